import { join } from 'node:path';
import { fail, isPinlaneError, PinlaneError, STORE_HOST, type BuiltImage, type Problem } from '@pinlane/contracts';
import { assemble, type Assembled, type AssemblySite } from './assemble.ts';
import { DownloadCache } from './downloads/cache.ts';
import type { Gone } from './downloads/obtain.ts';
import { resolveLock } from './downloads/resolve.ts';
import { importBase } from './image/import.ts';
import { readDefinition, readLock } from './inputs.ts';
import { BASE_NAME, findKept, folderOf, noteKept, warnOfMoved } from './kept-image.ts';
import { diffLocks, summariseChanges } from './lock/changes.ts';
import type { BaseDefinition } from './lock/definition.ts';
import { ASSEMBLY_FORMAT, lockFingerprint, type BaseLock } from './lock/lock.ts';
import { isInstalled } from './process.ts';
import type { BuildBase, BuildBaseOptions } from './types.ts';

const toBuiltImage = ({ index, platforms, fingerprint }: Assembled): BuiltImage => ({
  kind: 'BuiltImage',
  schemaVersion: 1,
  name: BASE_NAME,
  repository: `${STORE_HOST}/${BASE_NAME}`,
  platforms: { ...platforms },
  index: index.digest,
  fingerprint,
  revision: null,
  engine: { name: 'embedded', version: `base-${ASSEMBLY_FORMAT}` },
  bases: {},
  pushed: false,
});

const stale = (gone: readonly Gone[]): PinlaneError => {
  const problems = gone.map(({ architecture, name, version, available }): Problem => {
    const now = available.length > 0 ? `there is ${available.join(', ')}` : 'there is no other';
    return { code: 'ERR_BASE_LOCK_STALE', message: `${name} ${version} for ${architecture} can no longer be downloaded; ${now}` };
  });
  return new PinlaneError([problems[0] as Problem, ...problems.slice(1)]);
};

const assembleOrMove = async (definition: BaseDefinition, lock: BaseLock, site: AssemblySite, options: BuildBaseOptions) => {
  const locked = await assemble(lock, site);
  if (!('gone' in locked)) return { assembled: locked, moved: [] };
  if (options.lane !== 'local') throw stale(locked.gone);
  // Packages fit each other, so when one has moved on, all are chosen anew rather than mixed.
  const fresh = await resolveLock(definition, lock, site);
  const moved = summariseChanges(diffLocks(lock, fresh));
  const assembled = await assemble(fresh, site);
  if ('gone' in assembled || moved.length === 0) throw stale(locked.gone);
  return { assembled, moved };
};

const assembleHere = async (definition: BaseDefinition, lock: BaseLock, options: BuildBaseOptions): Promise<BuiltImage> => {
  const { root, store, env, signal, progress, aptSettings = [], noCache = false } = options;
  const folder = folderOf(options);
  const cache = new DownloadCache(folder);
  const { assembled, moved } = await cache.withWorkFolder((work) => {
    const layers = noCache ? join(work, 'layers') : join(folder, 'layers');
    return assembleOrMove(definition, lock, { cache, work, layers, store, progress, release: lock.release, aptSettings, cwd: root, env, signal }, options);
  });
  warnOfMoved(options, moved);
  const image = toBuiltImage(assembled);
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
  if (named !== undefined && named !== '') return importBase(named, 'PINLANE_BASE_IMAGE', BASE_NAME, options);

  const definition = await readDefinition(baseDir);
  const lock = await readLock(baseDir, definition);
  const kept = await findKept(lock, options);
  if (kept !== null) return kept;

  const { published } = definition;
  const imported = (why: string) => {
    if (published === undefined) return fail('ERR_BASE_UNAVAILABLE', why, { fix: UNAVAILABLE_FIX });
    progress(`${why}: taking the base that was published`);
    return importBase(published, '`published` in base.yaml', BASE_NAME, options, lockFingerprint(lock));
  };
  if (!(await isAptHere(options))) return imported('this machine has no apt');
  try {
    return await assembleHere(definition, lock, options);
  } catch (error) {
    if (!isPinlaneError(error, 'ERR_BASE_UNAVAILABLE')) throw error;
    return imported(error.problems.map(({ message }) => message).join('; '));
  }
};
