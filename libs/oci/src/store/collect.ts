import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, type Digest } from '@pinlane/contracts';
import { removeBlob } from './blobs.ts';
import { closureOf } from './closure.ts';
import { ALGORITHMS, digestToFile, isAnyDigest, type AnyDigest } from './digests.ts';
import { ifThere } from '../files/if-there.ts';
import { readEntries } from './index-file.ts';
import { sweepMarks } from './marks.ts';
import type { StorePaths } from './paths.ts';
import { referringTo } from './referrers.ts';
import { sweepUploads } from './uploads.ts';

export interface CollectOptions {
  /** Images to keep beside those that have a name: what is pinned, and what build records name. One that is not in the store is no error. */
  readonly keep: readonly Digest[];
  /** What was written or used within this many ms stays, because someone may be about to name it; an hour unless told. */
  readonly graceMs?: number;
  /** Remove nothing, only tell what would go. */
  readonly dryRun?: boolean;
}

export interface Collected {
  readonly removed: readonly AnyDigest[];
  /** Bytes that were freed. */
  readonly bytes: number;
}

const HOUR = 60 * 60 * 1000;

const sweepTemporary = async (paths: StorePaths, before: number): Promise<void> => {
  for (const name of (await ifThere(readdir(paths.temporary))) ?? []) {
    const path = join(paths.temporary, name);
    const info = await ifThere(stat(path));
    if (info && info.mtimeMs < before) await rm(path, { force: true, recursive: true });
  }
};

/** What the folders of blobs hold. */
const allBlobs = async (paths: StorePaths): Promise<AnyDigest[]> => {
  const found: AnyDigest[] = [];
  for (const algorithm of ALGORITHMS)
    for (const hex of (await ifThere(readdir(paths.blobs(algorithm)))) ?? []) {
      const digest = `${algorithm}:${hex}`;
      if (isAnyDigest(digest)) found.push(digest);
    }
  return found;
};

/**
 * Removes what no root reaches; only for the holder of the lock, so that no name is given meanwhile. Roots are the names and `keep`; what refers
 * to a manifest that stays (a signature, a report) stays with it.
 * @throws ERR_STORE_CORRUPT, having removed nothing, when a manifest is damaged: nobody can tell then what it keeps
 */
export const collectGarbage = async (paths: StorePaths, { keep, graceMs = HOUR, dryRun = false }: CollectOptions): Promise<Collected> => {
  const before = Date.now() - graceMs;
  const roots = [...(await readEntries(paths)).map(({ digest }) => digest), ...keep];
  const { manifests, blobs, corrupt } = await closureOf(paths, [...new Set(roots)], (manifest) => referringTo(paths, manifest));
  if (corrupt.length > 0) fail('ERR_STORE_CORRUPT', `nothing was removed, because these manifests are damaged: ${corrupt.join(', ')}`);
  const kept = new Set<AnyDigest>([...manifests, ...blobs.map(({ digest }) => digest)]);

  const removed: AnyDigest[] = [];
  let bytes = 0;
  for (const digest of await allBlobs(paths)) {
    if (kept.has(digest)) continue;
    const info = await ifThere(stat(paths.blob(digest)));
    if (!info || info.mtimeMs >= before) continue;
    if (!dryRun) {
      // Before the first goes: whoever remembers by the store's word that an image is there must look again.
      if (removed.length === 0) await rm(paths.generation, { force: true });
      await mkdir(paths.temporary, { recursive: true });
      const aside = join(paths.temporary, `removed-${digestToFile(digest)}`);
      if (!(await removeBlob(paths, digest, aside, before))) continue;
      await rm(aside, { force: true });
    }
    removed.push(digest);
    bytes += info.size;
  }
  if (!dryRun) {
    await sweepTemporary(paths, before);
    await sweepUploads(paths, Math.min(before, Date.now() - HOUR));
    for (const folder of [paths.referrers, paths.deleted]) await sweepMarks(paths, folder, before);
  }
  return { removed: removed.sort(), bytes };
};
