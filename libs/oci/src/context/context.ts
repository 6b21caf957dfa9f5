import { realpathSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { fail, isMachineFault, PinlaneError } from '@pinlane/contracts';
import { createSha256, inParallel, sha256, stopIfAborted, whileWanted, type ChunkUse } from '../content/index.ts';
import { lstatIfThere, readSmallFile } from '../files/index.ts';
import { bytesOnce, fileChunks, readText } from './files.ts';
import type { HashedFile } from '../files/known-hashes.ts';
import { hashedOnce } from './hashed-files.ts';
import { ignoreNothing, parseIgnore, type Ignore } from './ignore.ts';
import type { BuildContext, ContextEntry } from './model.ts';
import { Walker, type FoundEntry } from './walk.ts';

export interface ContextOptions {
  /** Relative to the context; `Dockerfile` if it is left out. */
  readonly dockerfile?: string;
  /** Content that replaces that of the files at these paths; a path that is not in the context has no effect. */
  readonly overrides?: Readonly<Record<string, Uint8Array>>;
  /** Breaks off the reading, also of what is opened later. */
  readonly signal?: AbortSignal | undefined;
}

const errorCode = (error: unknown): unknown => (error as NodeJS.ErrnoException | undefined)?.code;

const unreadable = (what: string) => (cause: unknown) => {
  if (cause instanceof PinlaneError || isMachineFault(cause)) throw cause;
  return fail('ERR_CONTEXT_INVALID', `${what} cannot be read: ${String(errorCode(cause) ?? 'unknown error')}`, { cause });
};

/** Work that is done at once, with its errors as those of what could not be read. */
const orUnreadable = <T>(what: string, work: () => T): T => {
  try {
    return work();
  } catch (thrown) {
    return unreadable(what)(thrown);
  }
};

const textIfThere = (path: string, what: string): string | undefined => {
  try {
    return readText(path, what);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
};

/** The text of a file of the context, if it is there. Links on the way are followed. @throws ERR_PATH_ESCAPES if they lead out of the context */
const insideText = (root: string, path: string): string | undefined => {
  const normal = posix.normalize(path);
  if (posix.isAbsolute(normal) || normal === '..' || normal.startsWith('../')) return fail('ERR_PATH_ESCAPES', `${path} is not inside the build context`);
  const file = join(root, normal);
  let real: string;
  try {
    // Few have a .dockerignore of each name, and an error takes many times as long as this look.
    if (lstatIfThere(file) === undefined) return undefined;
    real = realpathSync.native(file);
  } catch {
    return undefined;
  }
  const from = relative(root, real);
  if (from === '..' || from.startsWith(`..${sep}`)) return fail('ERR_PATH_ESCAPES', `${path} leads out of the build context`);
  return textIfThere(real, path);
};

const readIgnore = (root: string, dockerfile: string): Ignore => {
  for (const file of [`${dockerfile}.dockerignore`, '.dockerignore']) {
    const text = insideText(root, file);
    if (text !== undefined) return parseIgnore(text, file);
  }
  return ignoreNothing;
};

const hashed = async (chunks: AsyncIterable<Uint8Array>): Promise<HashedFile> => {
  const seen = createSha256();
  for await (const chunk of chunks) seen.update(chunk);
  return { size: seen.size, sha256: seen.digest() };
};

const hashOf = (bytes: Uint8Array): HashedFile => ({ size: bytes.length, sha256: sha256(bytes) });

/** A file of at most so many bytes is read at once. */
const SMALL = 64 * 1024;

const byPath = (a: { readonly path: string }, b: { readonly path: string }): number => (a.path < b.path ? -1 : 1);

/**
 * Reads a build context: everything that .dockerignore lets through, or `<Dockerfile>.dockerignore` if there is one. Each file is hashed, as a stream.
 * Owner, times and all of the mode but the owner's execute bit are left out, so that they can't reach an image. Links are read as links, wherever they
 * lead; Pinlane's own files are no part of it; what no image can hold is told apart, and harms no build that does not copy it.
 * @throws ERR_CONTEXT_INVALID, ERR_PATH_ESCAPES if the Dockerfile or .dockerignore lies outside; ERR_CANCELLED
 */
export const readBuildContext = async (folder: string, { dockerfile = 'Dockerfile', overrides = {}, signal }: ContextOptions = {}): Promise<BuildContext> => {
  const root = orUnreadable(`the build context ${folder}`, () => realpathSync.native(folder));
  const text =
    orUnreadable(dockerfile, () => insideText(root, dockerfile)) ??
    fail('ERR_CONTEXT_INVALID', `${dockerfile} is not in the build context`, { fix: 'Write it, or name another one in build.dockerfile.' });
  const walker = new Walker(
    root,
    orUnreadable('.dockerignore', () => readIgnore(root, dockerfile)),
    signal,
  );
  await walker.folder().catch(unreadable('the build context'));

  const content = (path: string, use?: ChunkUse): AsyncIterable<Uint8Array> =>
    Object.hasOwn(overrides, path) ? bytesOnce(overrides[path]!) : whileWanted(fileChunks(join(root, path), use), signal);
  const entries: ContextEntry[] = walker.found.filter(({ type }) => type !== 'file').map((entry) => ({ ...entry, sha256: null }));
  const files = walker.found.filter(({ type }) => type === 'file');
  const hash = async ({ path, size }: FoundEntry): Promise<HashedFile> => {
    if (Object.hasOwn(overrides, path)) return hashOf(overrides[path]!);
    const small = size > SMALL ? null : readSmallFile(join(root, path), SMALL, { links: false });
    return small?.kind === 'file' ? hashOf(small.bytes) : hashedOnce(join(root, path), size, () => hashed(content(path, { lent: true })));
  };
  await inParallel(files, 8, async (entry) => {
    stopIfAborted(signal);
    entries.push({ ...entry, ...(await hash(entry).catch(unreadable(JSON.stringify(entry.path)))) });
  });
  return { root, entries: entries.sort(byPath), odd: walker.odd.sort(byPath), dockerfile: { path: dockerfile, text }, open: content };
};
