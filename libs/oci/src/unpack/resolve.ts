import { chmodSync, lstatSync, mkdirSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';

const LINKS_AT_MOST = 40;

/** Why a path can't be resolved below a root. */
export class UnresolvableError extends Error {}

/** What is at a path; links are not followed. */
export const statOf = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });

/** Finds the real place of folders below a root. Links are followed by a process whose root this is. */
export interface Resolver {
  /**
   * The folder's path relative to the root, free of links; folders that are missing are made, with mode 0755.
   * @param made is told of each folder that is made
   * @throws UnresolvableError if a part is a file, or links go in a circle
   */
  folder(parts: readonly string[], made: (path: string) => void): string;
  /** The same, but nothing is made; undefined if a part is missing. @throws UnresolvableError */
  existing(parts: readonly string[]): string | undefined;
  /** To be called when a link is put in place, or anything is removed: what was found before may be wrong now. */
  forget(): void;
}

type Make = (path: string) => void;

/** Makes a folder with mode 0755, whatever the umask. */
const makeFolder = (path: string): void => {
  mkdirSync(path);
  chmodSync(path, 0o755);
};

/** Walks from the root over the parts of a path, and those of the links in it. Without `make`, undefined if a part is missing. */
const walk = (root: string, parts: readonly string[], make: Make | null): string | undefined => {
  const pending = [...parts];
  let at: string[] = [];
  let links = 0;

  const follow = (target: string): void => {
    if ((links += 1) > LINKS_AT_MOST) throw new UnresolvableError(`goes through more than ${LINKS_AT_MOST} links`);
    if (target.startsWith('/')) at = [];
    pending.unshift(...target.split('/'));
  };

  /** Goes into a folder or follows a link; false if there is nothing of this name. */
  const enter = (name: string): boolean => {
    const relative = [...at, name].join('/');
    const place = join(root, relative);
    const stat = statOf(place);
    if (stat?.isSymbolicLink()) {
      follow(readlinkSync(place));
      return true;
    }
    if (stat && !stat.isDirectory()) throw new UnresolvableError(`lies below ${relative}, which is a file`);
    if (!stat) {
      if (make === null) return false;
      makeFolder(place);
      make(relative);
    }
    at.push(name);
    return true;
  };

  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    if (part === '..') at.pop();
    else if (part !== '' && part !== '.' && !enter(part)) return undefined;
  }
  return at.join('/');
};

/**
 * Resolves part by part with lstat, so that an entry is never written through a link that leads out of the root: an
 * absolute target is a name below the root, and `..` stops at it. Nobody else may change the tree meanwhile.
 */
export const createResolver = (root: string): Resolver => {
  const known = new Map<string, string>();

  const resolve = (parts: readonly string[], make: Make | null): string | undefined => {
    const key = parts.join('/');
    const before = known.get(key);
    if (before !== undefined) return before;
    const found = walk(root, parts, make);
    if (found !== undefined) known.set(key, found);
    return found;
  };

  return {
    folder: (parts, made) => resolve(parts, made) as string,
    existing: (parts) => resolve(parts, null),
    forget: () => known.clear(),
  };
};
