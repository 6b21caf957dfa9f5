import type { Lane } from '@pinlane/contracts';
import type { VerbContext, VerbOutcome } from '../command/context.ts';
import { writeOwnFile } from '../workspace/own-file.ts';
import { workspacePaths, type WorkspacePaths } from '../workspace/paths.ts';

/** Leaves the document of a verb beside the processor's other reports, for those who come after it: CI's artifacts, and the page of lanes. */
export const keepReport = async <Document extends { readonly lane: Lane }>(
  what: Parameters<WorkspacePaths['deployed']>[1],
  outcome: VerbOutcome<Document>,
  { root, project }: VerbContext,
): Promise<VerbOutcome<Document>> => {
  const { document } = outcome;
  if (document === undefined) return outcome;
  const paths = workspacePaths(root, document.lane);
  await writeOwnFile(paths.deployed(project, what), document, paths.temporary);
  return outcome;
};
