import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestHex, fail, isDigest, type Digest } from '@pinlane/contracts';
import { removeBlob } from './blobs.ts';
import { closureOf } from './closure.ts';
import { ifThere } from './files.ts';
import { readEntries } from './index-file.ts';
import type { StorePaths } from './paths.ts';

export interface CollectOptions {
  /** Images to keep beside those that have a name: what is pinned, and what build records name. One that is not in the store is no error. */
  readonly keep: readonly Digest[];
  /** What was written or used within this many ms stays, because someone may be about to name it; an hour unless told. */
  readonly graceMs?: number;
  /** Remove nothing, only tell what would go. */
  readonly dryRun?: boolean;
}

export interface Collected {
  readonly removed: readonly Digest[];
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

/**
 * Removes what no root reaches; only for the holder of the lock, so that no name is given meanwhile. Roots are the names and `keep`.
 * @throws ERR_STORE_CORRUPT, having removed nothing, when a manifest is damaged: nobody can tell then what it keeps
 */
export const collectGarbage = async (paths: StorePaths, { keep, graceMs = HOUR, dryRun = false }: CollectOptions): Promise<Collected> => {
  const before = Date.now() - graceMs;
  const roots = [...(await readEntries(paths)).map(({ digest }) => digest), ...keep];
  const { manifests, blobs, corrupt } = await closureOf(paths, [...new Set(roots)]);
  if (corrupt.length > 0) fail('ERR_STORE_CORRUPT', `nothing was removed, because these manifests are damaged: ${corrupt.join(', ')}`);
  const kept = new Set<Digest>([...manifests, ...blobs.map(({ digest }) => digest)]);

  const removed: Digest[] = [];
  let bytes = 0;
  for (const hex of (await ifThere(readdir(paths.blobs))) ?? []) {
    const digest = `sha256:${hex}`;
    if (!isDigest(digest) || kept.has(digest)) continue;
    const info = await ifThere(stat(paths.blob(digest)));
    if (!info || info.mtimeMs >= before) continue;
    if (!dryRun) {
      await mkdir(paths.temporary, { recursive: true });
      const aside = join(paths.temporary, `removed-${digestHex(digest)}`);
      if (!(await removeBlob(paths, digest, aside, before))) continue;
      await rm(aside, { force: true });
    }
    removed.push(digest);
    bytes += info.size;
  }
  if (!dryRun) await sweepTemporary(paths, before);
  return { removed: removed.sort(), bytes };
};
