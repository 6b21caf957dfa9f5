import { join } from 'node:path';
import { fail, isPinlaneError, parsePinnedReference, PinlaneError, type BuiltImage, type Problem } from '@pinlane/contracts';
import { assemble, type AssemblyInput } from './assemble.ts';
import { openDownloadCache } from './downloads/cache.ts';
import type { Gone } from './downloads/obtain.ts';
import { baseImage } from './image/built.ts';
import { importBase } from './image/import.ts';
import { lockFileOf, readDefinition, readLock } from './inputs.ts';
import { findKept, folderOf, noteKept } from './kept-image.ts';
import type { BaseDefinition } from './lock/definition.ts';
import { lockFingerprint, recordedImage, requireRecorded, type BaseLock } from './lock/lock.ts';
import { isInstalled } from './process.ts';
import type { BuildBase, BuildBaseOptions } from './types.ts';

/** The error for what is locked and can't be downloaded any more. */
export const stale = (gone: readonly Gone[]): PinlaneError => {
  const problems = gone.map(({ architecture, name, version, available }): Problem => {
    const now = available.length > 0 ? `there is ${available.join(', ')}` : 'there is no other';
    return { code: 'ERR_BASE_LOCK_STALE', message: `${name} ${version} for ${architecture} can no longer be downloaded; ${now}` };
  });
  return new PinlaneError([problems[0] as Problem, ...problems.slice(1)]);
};

/** Assembles what is locked and nothing else, in every lane: what is built on it and pinned must not depend on the day. @throws ERR_BASE_LOCK_STALE, ERR_BASE_LOCK_INVALID */
const assembleLocked = async (lock: BaseLock, input: AssemblyInput, { baseDir }: BuildBaseOptions) => {
  const locked = await assemble(lock, input);
  if ('gone' in locked) throw stale(locked.gone);
  requireRecorded(lock, { index: locked.index.digest, platforms: locked.platforms }, lockFileOf(baseDir));
  return locked;
};

const assembleHere = async (lock: BaseLock, options: BuildBaseOptions): Promise<BuiltImage> => {
  const { root, name, store, env, signal, progress, aptSettings = [], noCache = false } = options;
  const folder = folderOf(options);
  const cache = openDownloadCache(folder);
  const assembled = await cache.withWorkFolder((work) => {
    const layers = noCache ? join(work, 'layers') : join(folder, 'layers');
    return assembleLocked(lock, { cache, work, layers, store, progress, release: lock.release, aptSettings, cwd: root, env, signal }, options);
  }, signal);
  const image = baseImage(name, assembled.fingerprint, assembled.platforms, assembled.index.digest);
  await store.name(name, assembled.index);
  await noteKept(lock, image, options);
  return image;
};

const isAptHere = async ({ root: cwd, env, signal }: BuildBaseOptions): Promise<boolean> =>
  (await Promise.all(['apt-get', 'apt-cache', 'dpkg-deb'].map((program) => isInstalled(program, { cwd, env, signal })))).every(Boolean);

const UNAVAILABLE_FIX =
  'name an image by digest in PINLANE_BASE_IMAGE, or in `published` of base.yaml one that was pushed, or build on a machine whose apt reads that Debian release and whose npm reaches its registry';

/** Whether a definition names, in a registry, the very image that its lock records. */
const isPublished = ({ published }: Pick<BaseDefinition, 'published'>, lock: BaseLock): boolean =>
  published !== undefined && recordedImage(lock)?.index === parsePinnedReference(published).digest;

/** Errors that say that this machine can't assemble, or that nobody can any more. */
const UNASSEMBLED = ['ERR_BASE_UNAVAILABLE', 'ERR_BASE_LOCK_STALE'] as const;

/** Takes the base that was published; what says why not to assemble is told, and thrown if there is none. */
const takePublished = async (why: PinlaneError, { published }: BaseDefinition, lock: BaseLock, options: BuildBaseOptions): Promise<BuiltImage> => {
  const said = why.problems.map(({ message }) => message).join('; ');
  if (published === undefined) return isPinlaneError(why, 'ERR_BASE_UNAVAILABLE') ? fail(why.code, said, { fix: UNAVAILABLE_FIX }) : Promise.reject(why);
  const recorded = recordedImage(lock);
  // A label is the word of whoever pushed the image; the lock's digest is not.
  if (recorded !== null && !isPublished({ published }, lock))
    return fail('ERR_BASE_UNAVAILABLE', `${said}; and \`published\` of base.yaml names ${published}, where the lock records ${recorded.index}`, {
      fix: `Push the base of this lock: nx run ${options.name}:pin on a machine that has it or can assemble it; or lock what there is now: nx run ${options.name}:update.`,
    });
  options.progress(`${said}: taking the base that was published`, 'note');
  return importBase(published, '`published` in base.yaml', options, lockFingerprint(lock));
};

/** The published base, if the lock records it and its registry has it: taking it is quicker than assembling. */
const publishedAs = async (definition: BaseDefinition, lock: BaseLock, options: BuildBaseOptions): Promise<BuiltImage | null> => {
  if (options.noCache === true || !isPublished(definition, lock)) return null;
  try {
    return await importBase(definition.published!, '`published` in base.yaml', options, lockFingerprint(lock));
  } catch (error) {
    if (options.signal.aborted || !isPinlaneError(error)) throw error;
    options.progress(`the base is assembled, because it can't be taken from its registry: ${error.problems[0]?.message}`, 'note');
    return null;
  }
};

/** See {@link BuildBase}. */
export const buildBase: BuildBase = async (options) => {
  const { baseDir, env } = options;
  const named = env.PINLANE_BASE_IMAGE;
  if (named !== undefined && named !== '') return importBase(named, 'PINLANE_BASE_IMAGE', options);

  const definition = await readDefinition(baseDir);
  const lock = await readLock(baseDir, definition);
  const there = (await findKept(lock, options)) ?? (await publishedAs(definition, lock, options));
  if (there !== null) return there;
  try {
    if (!(await isAptHere(options))) fail('ERR_BASE_UNAVAILABLE', 'this machine has no apt');
    return await assembleHere(lock, options);
  } catch (error) {
    if (!(error instanceof PinlaneError) || !UNASSEMBLED.some((code) => isPinlaneError(error, code))) throw error;
    return takePublished(error, definition, lock, options);
  }
};
