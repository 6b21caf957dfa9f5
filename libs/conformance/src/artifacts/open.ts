import { constants, existsSync, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { plainLine } from '@pinlane/contracts';

/** Thrown if something below an artifacts root can't be read as the contract has it, or is more than is read; the message says what, and why. */
export class Unreadable extends Error {}

/** What a directory has under one name. */
export type Kind = 'file' | 'folder' | 'link' | 'pipe' | 'socket' | 'device';

/** The kind of an entry, of what `fs` says of it. */
export const kindOf = (entry: Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket'>): Kind => {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  if (entry.isSymbolicLink()) return 'link';
  if (entry.isFIFO()) return 'pipe';
  return entry.isSocket() ? 'socket' : 'device';
};

/** A file or a folder that is open, and stays the one that was opened whatever happens to its name. */
export interface Opened {
  readonly handle: FileHandle;
  readonly stats: Stats;
  /** Its path when it was opened. */
  readonly at: string;
}

/** O_NONBLOCK: the other end of a pipe, and whoever holds a lease on a file, is not waited for. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Linux alone has the descriptors of folders as paths. Elsewhere there is only the runtime `host`, which keeps nothing from a processor in any case. */
const BY_DESCRIPTOR = existsSync('/proc/self/fd');

/** The path of a name in an open folder: of the very folder that is open, though it may have been moved and a link put in its place. */
export const nameIn = ({ handle, at }: Opened, name: string | Buffer): string | Buffer => {
  const folder = BY_DESCRIPTOR ? `/proc/self/fd/${handle.fd}` : at;
  return typeof name === 'string' ? join(folder, name) : Buffer.concat([Buffer.from(`${folder}/`), name]);
};

/** The path of an open folder itself, for what takes nothing but paths. */
export const pathOf = ({ handle, at }: Opened): string => (BY_DESCRIPTOR ? `/proc/self/fd/${handle.fd}` : at);

const WHY: Readonly<Record<string, string>> = {
  ELOOP: 'is a link, which is not followed',
  ENXIO: 'is a socket or a device, and no file',
};

const openPath = async (path: string | Buffer, at: string, shown: string): Promise<Opened | undefined> => {
  let handle: FileHandle;
  try {
    handle = await open(path, FLAGS);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new Unreadable(`${plainLine(shown)} ${WHY[code] ?? `cannot be read (${code})`}`, { cause: error });
  }
  return { handle, stats: await handle.stat(), at };
};

/** Opens a root, which must be a folder and no link. @throws Unreadable */
export const openRoot = async (root: string): Promise<Opened> => {
  const opened = await openPath(root, root, 'the artifacts root');
  if (opened?.stats.isDirectory()) return opened;
  await opened?.handle.close();
  throw new Unreadable(`the artifacts root is ${opened === undefined ? 'gone' : 'no folder'}`);
};

/**
 * Opens a name in an open folder, whatever it is but a link. Nothing waits, and nothing is followed: what is open is below the folder.
 * @returns undefined if there is nothing of that name
 * @throws Unreadable if it is a link, a socket, or may not be read
 */
export const openIn = (folder: Opened, name: string | Buffer, shown: string): Promise<Opened | undefined> =>
  openPath(nameIn(folder, name), join(folder.at, name.toString()), shown);

/** The parts of a path below a root. @throws Unreadable if it leads elsewhere, or could */
const partsOf = (path: string): readonly string[] => {
  const parts = path === '' ? [] : path.split('/');
  if (path.includes('\0') || parts.some((part) => part === '' || part === '.' || part === '..'))
    throw new Unreadable(`${plainLine(JSON.stringify(path))} is not the plain path of something below the artifacts root`);
  return parts;
};

/**
 * Opens what a path names below a root, part by part, and hands it to `use`; it is closed afterwards.
 * @returns undefined if there is nothing of that name
 * @throws Unreadable if a part of it is a link, if it leads out of the root, or may not be read; whatever `use` throws
 */
export const openBelow = async <T>(root: string, path: string, use: (opened: Opened) => Promise<T>): Promise<T | undefined> => {
  const parts = partsOf(path);
  let current: Opened | undefined = await openRoot(root);
  for (const [index, part] of parts.entries()) {
    const folder: Opened = current;
    try {
      current = folder.stats.isDirectory() ? await openIn(folder, part, parts.slice(0, index + 1).join('/')) : undefined;
    } finally {
      await folder.handle.close();
    }
    if (current === undefined) return undefined;
  }
  try {
    return await use(current);
  } finally {
    await current.handle.close();
  }
};
