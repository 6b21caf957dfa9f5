import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { laneRules, type Lane, type ProcessorSpec } from '@pinlane/contracts';
import { statIfThere } from '@pinlane/oci';
import { parseSpec } from '@pinlane/pipeline';
import { bootOfMachine } from './boot.ts';
import { hideFromGit } from './own-folder.ts';
import { workspacePaths } from './paths.ts';
import { readSealed, writeSealed } from './sealed-file.ts';
import { readExactText, readSpec, type SpecFile } from './spec-file.ts';

/** Counts up when the same text is read into another spec: `tests/contracts/known-spec.spec.ts` tells. */
export const SPEC_FORMAT = 'spec 2';

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

interface Asker {
  readonly root: string;
  readonly note: (line: string) => void;
}

/**
 * Reads one registry.yaml as `readSpecFile` does, and parses it only if no command has since this machine was started, of the same file in the same state: to
 * parse strictly takes ten times as long as to read what is known. If nothing can be kept, only time is lost.
 * @param file relative to the workspace's root
 * @throws what `readSpecFile` throws
 */
export const readKnownSpec = async ({ root, note }: Asker, file: string): Promise<SpecFile> => {
  const path = join(root, file);
  const stats = statIfThere(path);
  const text = await readExactText(path, file);
  const parse = (): ProcessorSpec => parseSpec(text, { file }).spec;
  const boot = bootOfMachine();
  if (boot === null || stats === undefined) return { path, file, text, spec: parse() };
  const kept = join(workspacePaths(root, 'local').cache, 'specs', `${hashOf(file)}.json`);
  const format = `${SPEC_FORMAT} ${hashOf(`${boot} ${stats.ino} ${stats.mtimeMs} ${stats.ctimeMs} ${text}`)}`;
  const known = readSealed<ProcessorSpec>(kept, format, `${file} is parsed anew`, note)['spec'];
  if (known !== undefined) return { path, file, text, spec: known };
  const spec = parse();
  // What JSON says in another way is not kept: the schema of a processor's inputs may hold a negative zero.
  if (isDeepStrictEqual(JSON.parse(JSON.stringify(spec)), spec)) {
    hideFromGit(root);
    await writeSealed(kept, format, { spec });
  }
  return { path, file, text, spec };
};

/** The spec of a project's processor; one that is known only in a lane that takes what the store of this machine has. @throws as `readSpec` */
export const readSpecIn = (lane: Lane, context: Asker & { readonly projectRoot: string; readonly project: string }): Promise<SpecFile> =>
  laneRules(lane).acceptsStorePins ? readSpec(context, (_, file) => readKnownSpec(context, file)) : readSpec(context);
