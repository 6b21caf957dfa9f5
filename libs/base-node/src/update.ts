import { join } from 'node:path';
import { writeFileAtomic } from '@pinlane/oci';
import { openDownloadCache } from './downloads/cache.ts';
import { resolveLock } from './downloads/resolve.ts';
import { lockFileOf, readDefinition, readLockIfGood } from './inputs.ts';
import { diffLocks, summariseChanges } from './lock/changes.ts';
import { formatLock } from './lock/lock.ts';
import type { UpdateBase } from './types.ts';

/** See {@link UpdateBase}. */
export const updateBase: UpdateBase = async ({ root, baseDir, progress, signal, env, aptSettings = [] }) => {
  const definition = await readDefinition(baseDir);
  const before = await readLockIfGood(baseDir);
  const cache = openDownloadCache(join(root, '.pinlane/cache/base'));
  progress(`resolving Debian ${definition.release} and Node ${definition.node}`);
  const lock = await cache.withWorkFolder((work) =>
    resolveLock(definition, before, { cache, work, release: definition.release, aptSettings, cwd: root, env, signal }),
  );
  const lockFile = lockFileOf(baseDir);
  const text = formatLock(lock);
  const written = before === null || formatLock(before) !== text;
  if (written) await writeFileAtomic(lockFile, text, { temporaryFolder: join(root, '.pinlane/locks/tmp') });
  const changes = diffLocks(before, lock);
  return { lockFile, written, changes, summary: summariseChanges(changes) };
};
