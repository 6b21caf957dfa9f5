import { join } from 'node:path';
import { fail, isPinlaneError, PinlaneError, type BuiltImage, type Problem } from '@pinlane/contracts';
import { assemble, type AssemblyInput } from './assemble.ts';
import { openDownloadCache } from './downloads/cache.ts';
import type { Gone } from './downloads/obtain.ts';
import { resolveLock } from './downloads/resolve.ts';
import { baseImage } from './image/built.ts';
import { importBase } from './image/import.ts';
import { readDefinition, readLock } from './inputs.ts';
import { findKept, folderOf, noteKept, warnOfMoved } from './kept-image.ts';
import { diffLocks, summariseChanges } from './lock/changes.ts';
import type { BaseDefinition } from './lock/definition.ts';
import { lockFingerprint, type BaseLock } from './lock/lock.ts';
import { isInstalled } from './process.ts';
import { BASE_NAME, type BuildBase, type BuildBaseOptions } from './types.ts';

const stale = (gone: readonly Gone[]): PinlaneError => {
  const problems = gone.map(({ architecture, name, version, available }): Problem => {
    const now = available.length > 0 ? `there is ${available.join(', ')}` : 'there is no other';
    return { code: 'ERR_BASE_LOCK_STALE', message: `${name} ${version} for ${architecture} can no longer be downloaded; ${now}` };
  });
  return new PinlaneError([problems[0] as Problem, ...problems.slice(1)]);
};

const assembleOrMove = async (definition: BaseDefinition, lock: BaseLock, input: AssemblyInput, options: BuildBaseOptions) => {
  const locked = await assemble(lock, input);
  if (!('gone' in locked)) return { assembled: locked, moved: [] };
  if (options.lane !== 'local') throw stale(locked.gone);
  // Packages fit each other, so when one has moved on, all are chosen anew rather than mixed.
  const fresh = await resolveLock(definition, lock, input);
  const moved = summariseChanges(diffLocks(lock, fresh));
  const assembled = await assemble(fresh, input);
  if ('gone' in assembled || moved.length === 0) throw stale(locked.gone);
  return { assembled, moved };
};

const assembleHere = async (definition: BaseDefinition, lock: BaseLock, options: BuildBaseOptions): Promise<BuiltImage> => {
  const { root, store, env, signal, progress, aptSettings = [], noCache = false } = options;
  const folder = folderOf(options);
  const cache = openDownloadCache(folder);
  const { assembled, moved } = await cache.withWorkFolder((work) => {
    const layers = noCache ? join(work, 'layers') : join(folder, 'layers');
    return assembleOrMove(definition, lock, { cache, work, layers, store, progress, release: lock.release, aptSettings, cwd: root, env, signal }, options);
  });
  warnOfMoved(options, moved);
  const image = baseImage(assembled.fingerprint, assembled.platforms, assembled.index.digest);
  await store.name(BASE_NAME, assembled.index);
  await noteKept(lock, image, moved, options);
  return image;
};

const isAptHere = async ({ root: cwd, env, signal }: BuildBaseOptions): Promise<boolean> =>
  (await Promise.all(['apt-get', 'apt-cache', 'dpkg-deb'].map((program) => isInstalled(program, { cwd, env, signal })))).every(Boolean);

const UNAVAILABLE_FIX =
  'name an image by digest in PINLANE_BASE_IMAGE, or in `published` of base.yaml one that was pushed, or build on a machine whose apt reads that Debian release and whose npm reaches its registry';

/** See {@link BuildBase}. */
export const buildBase: BuildBase = async (options) => {
  const { baseDir, env, progress } = options;
  const named = env.PINLANE_BASE_IMAGE;
  if (named !== undefined && named !== '') return importBase(named, 'PINLANE_BASE_IMAGE', options);

  const definition = await readDefinition(baseDir);
  const lock = await readLock(baseDir, definition);
  const kept = await findKept(lock, options);
  if (kept !== null) return kept;

  const { published } = definition;
  const imported = (why: string) => {
    if (published === undefined) return fail('ERR_BASE_UNAVAILABLE', why, { fix: UNAVAILABLE_FIX });
    progress(`${why}: taking the base that was published`, 'note');
    return importBase(published, '`published` in base.yaml', options, lockFingerprint(lock));
  };
  if (!(await isAptHere(options))) return imported('this machine has no apt');
  try {
    return await assembleHere(definition, lock, options);
  } catch (error) {
    if (!isPinlaneError(error, 'ERR_BASE_UNAVAILABLE')) throw error;
    return imported(error.problems.map(({ message }) => message).join('; '));
  }
};
