import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { opendir, readlink, symlink } from 'node:fs/promises';
import { plainLine } from '@pinlane/contracts';
import { ARTIFACT_LIMITS, type ArtifactLimits } from './limits.ts';
import { kindOf, nameIn, openBelow, openIn, pathOf, Unreadable, type Kind, type Opened } from './open.ts';

/** A file without its content. */
export interface Measured {
  readonly size: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

/** One name below a folder. */
export interface Entry {
  /** Relative to the folder that is listed. */
  readonly path: string;
  readonly kind: Kind;
  /** Hands each piece of a file's content, or the target of a link, to `take`; of anything else nothing is read. */
  content(take: (piece: Buffer) => void): Promise<void>;
}

/**
 * Reads what a processor left below its artifacts root, where nothing is believed: no link is followed, no file but a regular one is read, nothing is waited
 * for, and nothing above the root is reached by any path. Each reader has its own share of {@link ARTIFACT_LIMITS}. Every method throws Unreadable if
 * something is not as it has to be, or more than is read.
 */
export interface Artifacts {
  /** The bytes of a file; undefined if there is nothing of that name. */
  read(path: string): Promise<Buffer | undefined>;
  /** The size and the hash of a file, of any size; undefined if there is nothing of that name. */
  measure(path: string): Promise<Measured | undefined>;
  /** Visits whatever is below a folder, a folder before what is in it. There is nothing below a folder that does not exist. */
  visit(folder: string, take: (entry: Entry) => void | Promise<void>): Promise<void>;
  /** Every path below a folder, relative to it and sorted; the name of a folder ends in `/`. */
  list(folder: string): Promise<string[]>;
  /** Makes a link in the root, unless there is something of that name. */
  link(name: string, target: string): Promise<void>;
}

export interface ArtifactOptions {
  readonly limits?: Partial<ArtifactLimits>;
  readonly signal?: AbortSignal | undefined;
}

/** What one reader may still read. */
interface Share {
  readonly limits: ArtifactLimits;
  /** @throws Unreadable if the time is over, or so many bytes are too many; the signal's reason */
  take(bytes: number, path: string): void;
}

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;

const shareOf = ({ limits: given = {}, signal }: ArtifactOptions): Share => {
  const limits = { ...ARTIFACT_LIMITS, ...given };
  const until = performance.now() + limits.readingMs;
  let bytesLeft = limits.allBytes;
  return {
    limits,
    take: (bytes, path) => {
      signal?.throwIfAborted();
      if (performance.now() > until) throw new Unreadable(`reading the artifacts took longer than ${seconds(limits.readingMs)}`);
      bytesLeft -= bytes;
      if (bytesLeft < 0) throw new Unreadable(`the files to be read hold more than ${limits.allBytes} bytes; it was ${plainLine(path)} that was too much`);
    },
  };
};

const PIECE = 256 * 1024;

/** Reads a regular file piece by piece. @returns its size */
const readPieces = async ({ handle, stats }: Opened, path: string, { take }: Share, use: (piece: Buffer) => void): Promise<number> => {
  if (!stats.isFile()) throw new Unreadable(`${plainLine(path)} is a ${kindOf(stats)}, and no file`);
  // Before any of it is read, because a file without content, but of an endless size, costs its writer nothing.
  take(stats.size, path);
  const buffer = Buffer.allocUnsafe(Math.min(PIECE, stats.size + 1));
  let size = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, size);
    if (bytesRead === 0) return size;
    size += bytesRead;
    take(Math.max(0, size - Math.max(stats.size, size - bytesRead)), path);
    use(buffer.subarray(0, bytesRead));
  }
};

const readWhole = async (file: Opened, path: string, share: Share): Promise<Buffer> => {
  const { wholeBytes } = share.limits;
  const tooLarge = (size: number): never => {
    throw new Unreadable(`${plainLine(path)} holds ${size} bytes; ${wholeBytes} at most are read`);
  };
  if (file.stats.isFile() && file.stats.size > wholeBytes) tooLarge(file.stats.size);
  const pieces: Buffer[] = [];
  let size = 0;
  await readPieces(file, path, share, (piece) => {
    size += piece.length;
    if (size > wholeBytes) tooLarge(size);
    pieces.push(Buffer.from(piece));
  });
  return Buffer.concat(pieces);
};

const measure = async (file: Opened, path: string, share: Share): Promise<Measured> => {
  const hash = createHash('sha256');
  const size = await readPieces(file, path, share, (piece) => void hash.update(piece));
  return { size, sha256: hash.digest('hex') };
};

/** The types of Node do not know that names may come as bytes. */
const entriesIn = async (folder: Opened): Promise<AsyncIterable<Dirent<Buffer>>> =>
  (await opendir(pathOf(folder), { encoding: 'buffer' as BufferEncoding, bufferSize: 256 })) as unknown as AsyncIterable<Dirent<Buffer>>;

const contentOf = async (folder: Opened, name: Buffer, { path, kind }: Pick<Entry, 'path' | 'kind'>, share: Share, take: (piece: Buffer) => void) => {
  if (kind === 'link') return take(await readlink(nameIn(folder, name), { encoding: 'buffer' }));
  if (kind !== 'file') return;
  const file = await openIn(folder, name, path);
  try {
    if (file !== undefined) await readPieces(file, path, share, take);
  } finally {
    await file?.handle.close();
  }
};

/** A name as text; one that is none is refused, because two that differ would look like one. */
const textOf = (name: Buffer, inside: string): string => {
  if (isUtf8(name)) return name.toString();
  const shown = name.toString('latin1').replace(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
  throw new Unreadable(`the name ${plainLine(inside)}${shown} is no text in UTF-8`);
};

/** Visits one folder and those below it; of each only what is above it is open at a time. */
const visitFolder = async (top: Opened, shown: string, share: Share, take: (entry: Entry) => void | Promise<void>): Promise<void> => {
  const { limits } = share;
  let entries = 0;
  const descend = async (folder: Opened, inside: string, depth: number): Promise<void> => {
    if (depth > limits.depth) throw new Unreadable(`${plainLine(shown)} holds folders that are nested deeper than ${limits.depth}`);
    for await (const entry of await entriesIn(folder)) {
      if ((entries += 1) > limits.entries) throw new Unreadable(`${plainLine(shown)} holds more than ${limits.entries} entries`);
      const [path, kind] = [`${inside}${textOf(entry.name, inside)}`, kindOf(entry)];
      share.take(0, path);
      await take({ path, kind, content: (use) => contentOf(folder, entry.name, { path, kind }, share, use) });
      const below = kind === 'folder' ? await openIn(folder, entry.name, path) : undefined;
      try {
        if (below?.stats.isDirectory()) await descend(below, `${path}/`, depth + 1);
      } finally {
        await below?.handle.close();
      }
    }
  };
  await descend(top, '', 1);
};

/** A reader of one artifacts root, with a share of the limits of its own: each rule and each case opens its own. */
export const openArtifacts = (root: string, options: ArtifactOptions = {}): Artifacts => {
  const share = shareOf(options);
  const visit: Artifacts['visit'] = async (folder, take) => {
    const shown = folder === '' ? 'the artifacts root' : folder;
    await openBelow(root, folder, async (opened) => {
      if (!opened.stats.isDirectory()) throw new Unreadable(`${plainLine(shown)} is a ${kindOf(opened.stats)}, and no folder`);
      await visitFolder(opened, shown, share, take);
    });
  };
  return {
    read: (path) => openBelow(root, path, (file) => readWhole(file, path, share)),
    measure: (path) => openBelow(root, path, (file) => measure(file, path, share)),
    visit,
    list: async (folder) => {
      const paths: string[] = [];
      await visit(folder, ({ path, kind }) => void paths.push(kind === 'folder' ? `${path}/` : path));
      return paths.sort();
    },
    link: async (name, target) => {
      await openBelow(root, '', (folder) =>
        symlink(target, nameIn(folder, name)).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw error;
        }),
      );
    },
  };
};
