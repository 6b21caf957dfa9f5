import type { Dirent } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Problem } from '@pinlane/contracts';
import type { Ignore } from './ignore.ts';
import type { ContextEntry } from './model.ts';

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

/** Whether a link leads out of the context. */
const leaves = (path: string, target: string): boolean => {
  if (target.startsWith('/')) return true;
  const reached = posix.normalize(posix.join(posix.dirname(path), target));
  return reached === '..' || reached.startsWith('../');
};

/** Walks a context without following links, and collects entries and problems. */
export class Walker {
  readonly found: FoundEntry[] = [];
  readonly problems: Problem[] = [];
  private readonly root: string;
  private readonly ignore: Ignore;

  constructor(root: string, ignore: Ignore) {
    this.root = root;
    this.ignore = ignore;
  }

  /** Walks a folder. @returns whether anything in it is part of the context */
  async folder(path: string): Promise<boolean> {
    const children = await readdir(join(this.root, path), { withFileTypes: true, encoding: 'buffer' });
    const results = await Promise.all(children.map((child) => this.child(path, child as unknown as Dirent<Buffer>)));
    return results.includes(true);
  }

  private async child(folder: string, child: Dirent<Buffer>): Promise<boolean> {
    const name = decode(child.name);
    const shown = name ?? child.name.toString('latin1');
    const path = folder === '' ? shown : `${folder}/${shown}`;
    const ignored = this.ignore.ignores(path);
    if (child.isDirectory()) {
      if (ignored && !this.ignore.mayHold(path)) return false;
    } else if (ignored) return false;
    if (name === undefined || /[\p{Cc}\u2028\u2029]/u.test(name)) {
      this.refuse(`the name ${JSON.stringify(path)} ${name === undefined ? 'is not UTF-8' : 'holds control characters'}`);
      return false;
    }
    return child.isDirectory() ? this.directory(path, ignored) : this.leaf(path, child);
  }

  private async directory(path: string, ignored: boolean): Promise<boolean> {
    // An ignored folder is part of the context only if something in it is.
    if (!(await this.folder(path)) && ignored) return false;
    this.found.push({ path, type: 'directory', mode: 0o755, size: 0, linkTarget: null });
    return true;
  }

  private async leaf(path: string, child: Dirent<Buffer>): Promise<boolean> {
    const absolute = join(this.root, path);
    if (child.isSymbolicLink()) {
      const linkTarget = decode(await readlink(absolute, { encoding: 'buffer' }));
      if (linkTarget === undefined) this.refuse(`the link ${JSON.stringify(path)} has a target that is not UTF-8`);
      else if (leaves(path, linkTarget))
        this.refuse(`the link ${JSON.stringify(path)} leads out of the build context, to ${JSON.stringify(linkTarget)}`, 'ERR_PATH_ESCAPES');
      else this.found.push({ path, type: 'symlink', mode: 0o777, size: 0, linkTarget });
      return true;
    }
    if (!child.isFile()) {
      this.refuse(`${JSON.stringify(path)} is neither a file nor a directory nor a link`);
      return true;
    }
    const { mode, size } = await lstat(absolute);
    this.found.push({ path, type: 'file', mode: mode & 0o100 ? 0o755 : 0o644, size, linkTarget: null });
    return true;
  }

  private refuse(message: string, code: 'ERR_CONTEXT_INVALID' | 'ERR_PATH_ESCAPES' = 'ERR_CONTEXT_INVALID'): void {
    this.problems.push({ code, message });
  }
}
