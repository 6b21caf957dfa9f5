import type { DriftReport } from '@pinlane/contracts';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { outcomeOf } from '../../deploy/drift-lines.ts';
import { lookForDrift } from '../../deploy/drift.ts';
import { writeOwnFile } from '../../workspace/own-file.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { readSpec } from '../../workspace/spec-file.ts';
import type { DriftOptions } from './options.ts';

/**
 * Compares what runs of a processor with what it pins, and leaves the report beside those of its acceptance.
 * @throws what `lookForDrift` throws, and what reading registry.yaml does
 */
export const drift = async (options: DriftOptions, context: VerbContext): Promise<VerbOutcome<DriftReport>> => {
  const specFile = await readSpec(context);
  const report = await lookForDrift(options, { specs: [specFile], deploy: specFile.spec.deploy, workspace: null }, context);
  const paths = workspacePaths(context.root, report.lane);
  await writeOwnFile(paths.drift(context.project), report, paths.temporary);
  return outcomeOf(report);
};
