import { asPinlaneError, EXIT, LANES, PinlaneError, type Digest, type Problem, type StoreCollection } from '@pinlane/contracts';
import { openStore } from '@pinlane/oci';
import { indexPinOf, pinsOf } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { readRecords } from '../../workspace/build-records.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { readSpecFile } from '../../workspace/spec-file.ts';
import { specFiles } from '../../workspace/spec-files.ts';
import type { StoreGcOptions } from './options.ts';

/** The digests that one registry.yaml pins, wherever its pins say the image is. @throws what `readSpecFile` throws: a broken file may hide pins */
const pinnedBy = async (root: string, file: string): Promise<Digest[]> => {
  const { spec } = await readSpecFile(root, file);
  const index = indexPinOf(spec);
  return [...Object.values(pinsOf(spec)), ...(index === null ? [] : [index])].map(({ digest }) => digest);
};

/** The digests that all of them pin. @throws every problem of every file; the signal's reason */
const allPinned = async (root: string, signal: AbortSignal): Promise<Digest[]> => {
  const problems: Problem[] = [];
  const pinned: Digest[] = [];
  for (const file of specFiles(root)) {
    signal.throwIfAborted();
    try {
      pinned.push(...(await pinnedBy(root, file)));
    } catch (thrown) {
      problems.push(...asPinlaneError(thrown, { file }).problems);
    }
  }
  const [first, ...more] = problems;
  if (first) throw new PinlaneError([first, ...more]);
  return pinned;
};

const inUnits = (bytes: number): string => (bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`);

/**
 * Removes from the store what no registry.yaml pins, no build record names and no name in the store reaches.
 * @throws whatever reading a registry.yaml throws, having removed nothing; ERR_STORE_CORRUPT likewise
 */
export const storeGc = async ({ dryRun = false, graceMinutes }: StoreGcOptions, { root, note, signal }: VerbContext): Promise<VerbOutcome<StoreCollection>> => {
  const pinned = await allPinned(root, signal);
  const removed: string[] = [];
  let bytes = 0;
  // A lane that builds fresh has a store of its own.
  for (const paths of new Map(LANES.map((lane) => workspacePaths(root, lane)).map((each) => [each.store, each])).values()) {
    const built = (await readRecords(paths, note)).map(({ index }) => index);
    const collected = await openStore(paths.store, { signal }).collect({ keep: [...pinned, ...built], graceMs: graceMinutes * 60_000, dryRun });
    removed.push(...collected.removed);
    bytes += collected.bytes;
  }
  const summary = removed.length === 0 ? 'nothing to remove' : `${dryRun ? 'would remove' : 'removed'} ${removed.length} blobs, ${inUnits(bytes)}`;
  return {
    document: { kind: 'StoreCollection', schemaVersion: 1, dryRun, removed, bytes },
    lines: [summary, ...removed.map((digest) => `  ${digest.slice(digest.indexOf(':') + 1).slice(0, 12)}`)],
    exitCode: EXIT.good,
  };
};
