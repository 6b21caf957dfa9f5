import { readFile, stat } from 'node:fs/promises';
import { fail } from '@pinlane/contracts';
import { OCI_INDEX, parseLayoutIndex, REF_NAME, type Descriptor } from '../content/index.ts';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { ifThere } from '../files/if-there.ts';
import { createWhole } from '../files/whole-file.ts';
import { makeFolder } from '../files/make-folder.ts';
import type { StorePaths } from './paths.ts';
import { tagOfName } from './repository-names.ts';

// The grammar of the image specification's annotations.md, which `skopeo copy oci:<path>:<name>` takes too. Tags of a registry that the grammar leaves out,
// such as `_1` or `v1.`, are names as well.
const NAME = /^[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*(?:\/[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*)*$/;

/** Checks an image's name in the store. @throws ERR_REFERENCE_INVALID */
export const checkName = (name: string): string =>
  (name.length <= 255 && NAME.test(name)) || tagOfName(name)
    ? name
    : fail('ERR_REFERENCE_INVALID', `${JSON.stringify(name.slice(0, 200))} is not a name for an image in the store`);

const text = (manifests: readonly Descriptor[]): string => JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });

/** Makes an empty layout if there is none. Each of several processes that do this at once finds it whole. */
export const createLayout = async (paths: StorePaths): Promise<void> => {
  await makeFolder(paths.blobs('sha256'));
  await createWhole(paths.temporary, paths.index, text([]));
  await createWhole(paths.temporary, paths.layout, '{"imageLayoutVersion":"1.0.0"}');
};

const parse = (paths: StorePaths, bytes: Uint8Array): readonly Descriptor[] => {
  try {
    return parseLayoutIndex(bytes).manifests;
  } catch (cause) {
    return fail('ERR_STORE_CORRUPT', `${paths.index} is damaged: ${(cause as Error).message}`, {
      fix: `Remove ${paths.index} and build anew; blobs that are there are used again.`,
      cause,
    });
  }
};

/** Longer than one step of any file system's clock, in ns. */
const TICK_NS = 100_000_000n;
const known = new WeakMap<StorePaths, { readonly file: string; readonly entries: readonly Descriptor[] }>();

/**
 * Reads the entries of index.json; none if there is no store yet. With thousands of names that takes a while, so the entries are remembered until there is
 * another file: index.json is always replaced and never written to. They are not remembered while the file is so young that its successor could have the
 * same times.
 * @throws ERR_STORE_CORRUPT
 */
export const readEntries = async (paths: StorePaths): Promise<readonly Descriptor[]> => {
  const info = await ifThere(stat(paths.index, { bigint: true }));
  if (info === undefined) return [];
  const file = `${info.dev} ${info.ino} ${info.size} ${info.mtimeNs} ${info.ctimeNs}`;
  const last = known.get(paths);
  if (last?.file === file) return last.entries;
  const bytes = await ifThere(readFile(paths.index));
  const entries = bytes === undefined ? [] : parse(paths, bytes);
  if (BigInt(Date.now()) * 1_000_000n - info.mtimeNs > TICK_NS) known.set(paths, { file, entries });
  return entries;
};

/** Replaces index.json; only for the holder of the store's lock. Unlike a blob it is synced, because no hash tells whether it is whole. */
export const writeEntries = (paths: StorePaths, entries: readonly Descriptor[]): Promise<void> =>
  writeFileAtomic(paths.index, text(entries), { temporaryFolder: paths.temporary });

export const nameOf = (entry: Descriptor): string | undefined => entry.annotations?.[REF_NAME];

/** Adds a name to the entries, or moves it. They are sorted by name, so that the file's bytes do not depend on the order in which names were given. */
export const withName = (entries: readonly Descriptor[], name: string, { mediaType, digest, size }: Descriptor): Descriptor[] =>
  [...withoutName(entries, name), { mediaType, digest, size, annotations: { [REF_NAME]: name } }].sort((a, b) =>
    (nameOf(a) ?? '') < (nameOf(b) ?? '') ? -1 : 1,
  );

export const withoutName = (entries: readonly Descriptor[], name: string): Descriptor[] => entries.filter((entry) => nameOf(entry) !== name);
