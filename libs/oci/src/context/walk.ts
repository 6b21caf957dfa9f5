import { lstatSync, readdirSync, type Dirent } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createTurns, stopIfAborted } from '../content/index.ts';
import { isLeftTemporary } from '../files/index.ts';
import type { Ignore, Judged } from './ignore.ts';
import type { ContextEntry, OddEntry } from './model.ts';

/** An entry whose content was not read yet. */
export type FoundEntry = Omit<ContextEntry, 'sha256'>;

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const decode = (bytes: Uint8Array): string | undefined => {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
};

/** A name that is not UTF-8, so that no other name is the same (as Python's `surrogateescape` has it, but for all of its bytes). */
const lossless = (name: Uint8Array): string =>
  Array.from(name, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : String.fromCharCode(0xdc00 + byte))).join('');

/** Why an image can't have a file of this name; undefined if it can. */
const oddName = (name: string | undefined): string | undefined => {
  if (name === undefined) return 'has a name that is not UTF-8';
  return /[\p{Cc}\u2028\u2029]/u.test(name) ? 'has a name with control characters in it' : undefined;
};

const oddType = (child: Dirent<Buffer>): string => {
  if (child.isFIFO()) return 'is a pipe';
  return child.isSocket() ? 'is a socket' : 'is a device';
};

/** Whether an entry is Pinlane's own and of no context: its folder, if the context is the whole workspace, and what a killed run left of a file. */
export const isOwnEntry = (folder: string, name: string): boolean => (folder === '' && name === '.pinlane') || isLeftTemporary(name);

/** A folder that is walked: its path, and what .dockerignore says of it. */
interface Folder {
  readonly path: string;
  readonly judged: Judged | undefined;
}

/** Walks a context without following links, and collects what is in it. */
export class Walker {
  readonly found: FoundEntry[] = [];
  readonly odd: OddEntry[] = [];
  private readonly root: string;
  private readonly ignore: Ignore;
  private readonly signal: AbortSignal | undefined;
  private readonly turn: () => Promise<void>;

  constructor(root: string, ignore: Ignore, signal?: AbortSignal) {
    this.root = root;
    this.ignore = ignore;
    this.signal = signal;
    this.turn = createTurns(signal);
  }

  /** Walks a folder; the root if none is given. @returns whether anything in it is part of the context */
  async folder(folder: Folder = { path: '', judged: undefined }): Promise<boolean> {
    stopIfAborted(this.signal);
    await this.turn();
    const children = this.childrenOf(folder);
    const results = await Promise.all(children.map((child) => this.child(folder, child)));
    return results.includes(true);
  }

  /** What is in a folder; nothing if it is ignored and can't be read. */
  private childrenOf({ path, judged }: Folder): Dirent<Buffer>[] {
    try {
      // At once, as below.
      return readdirSync(join(this.root, path), { withFileTypes: true, encoding: 'buffer' }) as unknown as Dirent<Buffer>[];
    } catch (error) {
      if (judged?.ignored && (error as NodeJS.ErrnoException).code === 'EACCES') return [];
      throw error;
    }
  }

  private async child(folder: Folder, child: Dirent<Buffer>): Promise<boolean> {
    const name = decode(child.name);
    if (name !== undefined && isOwnEntry(folder.path, name)) return false;
    const own = name ?? lossless(child.name);
    const path = folder.path === '' ? own : `${folder.path}/${own}`;
    const judged = this.ignore.judge(path, folder.judged);
    if (judged.ignored && !(child.isDirectory() && this.ignore.mayHold(path))) return false;
    const why = oddName(name);
    if (why !== undefined) return this.leaveOut(path, why);
    return child.isDirectory() ? this.directory({ path, judged }) : this.leaf(path, child);
  }

  private async directory(folder: Folder): Promise<boolean> {
    // An ignored folder is part of the context only if something in it is.
    if (!(await this.folder(folder)) && folder.judged?.ignored) return false;
    this.found.push({ path: folder.path, type: 'directory', mode: 0o755, size: 0, linkTarget: null });
    return true;
  }

  private async leaf(path: string, child: Dirent<Buffer>): Promise<boolean> {
    const absolute = join(this.root, path);
    if (child.isSymbolicLink()) {
      const linkTarget = decode(await readlink(absolute, { encoding: 'buffer' }));
      if (linkTarget === undefined) return this.leaveOut(path, 'is a link to a name that is not UTF-8');
      this.found.push({ path, type: 'symlink', mode: 0o777, size: 0, linkTarget });
      return true;
    }
    if (!child.isFile()) return this.leaveOut(path, oddType(child));
    // A call for each file of a context: waiting for a thread would cost several times as much.
    const { mode, size } = lstatSync(absolute);
    this.found.push({ path, type: 'file', mode: mode & 0o100 ? 0o755 : 0o644, size, linkTarget: null });
    return true;
  }

  private leaveOut(path: string, why: string): true {
    this.odd.push({ path, why });
    return true;
  }
}
