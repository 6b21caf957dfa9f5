import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, type Digest } from '@pinlane/contracts';
import { stopIfAborted } from '../content/index.ts';
import { ifThere } from '../files/if-there.ts';
import { makeFolder } from '../files/make-folder.ts';
import { removeBlob } from './blobs.ts';
import { closureOf } from './closure.ts';
import { ALGORITHMS, digestToFile, isAnyDigest, type AnyBlob, type AnyDigest } from './digests.ts';
import { readEntries } from './index-file.ts';
import { sweepOrigins } from './origins.ts';
import type { StorePaths } from './paths.ts';
import { referringTo } from './referrers.ts';
import { sweepMarks, sweepTemporary, sweepUploads } from './sweep.ts';

export interface CollectOptions {
  /** Images to keep besides the named ones: those that are pinned or in build records. It is no error if one is not in the store. */
  readonly keep: readonly Digest[];
  /** Content that was written or used within this many ms stays, because someone may be about to name it; an hour if absent. */
  readonly graceMs?: number;
  /** Whether to remove nothing, and only tell what would go. */
  readonly dryRun?: boolean;
}

export interface Collected {
  readonly removed: readonly AnyDigest[];
  /** How many bytes were freed. */
  readonly bytes: number;
}

const HOUR = 60 * 60 * 1000;

/** All blobs of the store, by their files' names. */
const allBlobs = async (paths: StorePaths): Promise<AnyDigest[]> => {
  const found: AnyDigest[] = [];
  for (const algorithm of ALGORITHMS)
    for (const hex of (await ifThere(readdir(paths.blobs(algorithm)))) ?? []) {
      const digest = `${algorithm}:${hex}`;
      if (isAnyDigest(digest)) found.push(digest);
    }
  return found;
};

/** The content that names and `keep` need. @throws ERR_STORE_CORRUPT if a manifest is damaged, because nobody can tell what it names */
const keptContent = async (paths: StorePaths, keep: readonly Digest[], signal: AbortSignal | undefined): Promise<ReadonlySet<AnyDigest>> => {
  const roots = [...(await readEntries(paths)).map(({ digest }) => digest), ...keep];
  const { manifests, blobs, corrupt } = await closureOf(paths, [...new Set(roots)], (manifest) => {
    stopIfAborted(signal);
    return referringTo(paths, manifest);
  });
  stopIfAborted(signal);
  if (corrupt.length > 0) fail('ERR_STORE_CORRUPT', `nothing was removed, because these manifests are damaged: ${corrupt.join(', ')}`);
  return new Set<AnyDigest>([...manifests, ...blobs.map(({ digest }) => digest)]);
};

/** The blobs that are not kept and were last used before `before`, in ms since the epoch. */
async function* unusedBlobs(
  paths: StorePaths,
  kept: ReadonlySet<AnyDigest>,
  before: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<AnyBlob, void, void> {
  for (const digest of await allBlobs(paths)) {
    stopIfAborted(signal);
    if (kept.has(digest)) continue;
    const info = await ifThere(stat(paths.blob(digest)));
    if (info && info.mtimeMs < before) yield { digest, size: info.size };
  }
}

/** Removes a blob, unless it came into use since `before`, in ms since the epoch. */
const removeUnused = async (paths: StorePaths, digest: AnyDigest, before: number): Promise<boolean> => {
  await makeFolder(paths.temporary);
  const aside = join(paths.temporary, `removed-${digestToFile(digest)}`);
  if (!(await removeBlob(paths, digest, aside, before))) return false;
  await rm(aside, { force: true });
  return true;
};

/**
 * Removes content that neither a name nor `keep` needs, and what is noted of where such content is; only for the holder of the store's lock, so that no name is
 * given meanwhile. Content that refers to a kept manifest (a signature, a report) is kept with it.
 * @throws ERR_STORE_CORRUPT, having removed nothing, if a manifest is damaged; ERR_CANCELLED, having removed a part
 */
export const collectGarbage = async (paths: StorePaths, { keep, graceMs = HOUR, dryRun = false }: CollectOptions, signal?: AbortSignal): Promise<Collected> => {
  const before = Date.now() - graceMs;
  const kept = await keptContent(paths, keep, signal);
  const removed: AnyBlob[] = [];
  for await (const blob of unusedBlobs(paths, kept, before, signal)) {
    if (dryRun || (await removeUnused(paths, blob.digest, before))) removed.push(blob);
  }
  if (!dryRun) {
    await sweepOrigins(paths, kept, before);
    await sweepTemporary(paths, before);
    await sweepUploads(paths, Math.min(before, Date.now() - HOUR));
    for (const folder of [paths.referrers, paths.deleted]) await sweepMarks(paths, folder, before);
  }
  return { removed: removed.map(({ digest }) => digest).sort(), bytes: removed.reduce((sum, { size }) => sum + size, 0) };
};
