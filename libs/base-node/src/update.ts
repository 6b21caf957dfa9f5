import { join } from 'node:path';
import { writeFileAtomic } from '@pinlane/oci';
import { assemble } from './assemble.ts';
import { stale } from './build.ts';
import { openDownloadCache } from './downloads/cache.ts';
import { resolveLock } from './downloads/resolve.ts';
import { lockFileOf, readDefinition, readLockIfGood } from './inputs.ts';
import { diffLocks, summariseChanges } from './lock/changes.ts';
import { ASSEMBLY_FORMAT, formatLock, lockFingerprint, recordedImage, type BaseLock } from './lock/lock.ts';
import type { UpdateBase, UpdateBaseOptions } from './types.ts';

type Resolving = Parameters<typeof resolveLock>[2];

/** A lock with what it assembles to. What an equal lock recorded is believed: whoever assembles it compares. */
const withImage = async (lock: BaseLock, before: BaseLock | null, resolving: Resolving, options: UpdateBaseOptions, folder: string): Promise<BaseLock> => {
  const known = before !== null && lockFingerprint(before) === lockFingerprint(lock) ? recordedImage(before) : null;
  if (known !== null) return { ...lock, image: known };
  const { store, progress } = options;
  if (store === undefined) return lock;
  const assembled = await assemble(lock, { ...resolving, store, progress, layers: join(folder, 'layers') });
  if ('gone' in assembled) throw stale(assembled.gone);
  return { ...lock, image: { format: ASSEMBLY_FORMAT, index: assembled.index.digest, platforms: assembled.platforms } };
};

/** See {@link UpdateBase}. */
export const updateBase: UpdateBase = async (options) => {
  const { root, baseDir, progress, signal, env, aptSettings = [] } = options;
  const definition = await readDefinition(baseDir);
  const before = await readLockIfGood(baseDir);
  const folder = join(root, '.pinlane/cache/base');
  const cache = openDownloadCache(folder);
  progress(`resolving Debian ${definition.release} and Node ${definition.node}`);
  const lock = await cache.withWorkFolder(async (work) => {
    const resolving = { cache, work, release: definition.release, aptSettings, cwd: root, env, signal };
    return withImage(await resolveLock(definition, before, resolving), before, resolving, options, folder);
  }, signal);
  const lockFile = lockFileOf(baseDir);
  const text = formatLock(lock);
  const written = before === null || formatLock(before) !== text;
  if (written) await writeFileAtomic(lockFile, text, { temporaryFolder: join(root, '.pinlane/locks/tmp') });
  const changes = diffLocks(before, lock);
  return { lockFile, written, changes, summary: summariseChanges(changes) };
};
