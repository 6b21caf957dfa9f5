import { chmodSync, lstatSync, mkdirSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';

const LINKS_AT_MOST = 40;

/** Why a path can't be resolved below a root. */
export class UnresolvableError extends Error {}

/** What is at a path; links are not followed. */
export const statOf = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });

/** Finds the real place of folders below a root, following links as a process would that has this root as its own. */
export interface Resolver {
  /**
   * The folder's path relative to the root, free of links; folders that are missing are made, with mode 0755.
   * @param made told of each folder that is made
   * @throws UnresolvableError where a part is a file, or links go in a circle
   */
  folder(parts: readonly string[], made: (path: string) => void): string;
  /** The same, but nothing is made; undefined where a part is missing. */
  existing(parts: readonly string[]): string | undefined;
  /** Must be called after anything but an ordinary file was put in place or removed. */
  forget(): void;
}

/**
 * Resolves part by part with lstat, so that an entry is never written through a link that leads out of the root: an
 * absolute target is a name below the root, and `..` stops at it. Nobody else may change the tree meanwhile.
 */
export const createResolver = (root: string): Resolver => {
  const known = new Map<string, string>();

  const walk = (parts: readonly string[], make: ((path: string) => void) | null): string | undefined => {
    const pending = [...parts];
    let at: string[] = [];
    let links = 0;
    for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        at = at.slice(0, -1);
        continue;
      }
      const relative = [...at, part].join('/');
      const place = join(root, relative);
      const stat = statOf(place);
      if (stat === undefined) {
        if (make === null) return undefined;
        mkdirSync(place);
        chmodSync(place, 0o755);
        make(relative);
        at.push(part);
      } else if (stat.isDirectory()) at.push(part);
      else if (stat.isSymbolicLink()) {
        if ((links += 1) > LINKS_AT_MOST) throw new UnresolvableError(`goes through more than ${LINKS_AT_MOST} links`);
        const target = readlinkSync(place);
        if (target.startsWith('/')) at = [];
        pending.unshift(...target.split('/'));
      } else throw new UnresolvableError(`lies below ${relative}, which is a file`);
    }
    return at.join('/');
  };

  const resolve = (parts: readonly string[], make: ((path: string) => void) | null): string | undefined => {
    const key = parts.join('/');
    const before = known.get(key);
    if (before !== undefined) return before;
    const found = walk(parts, make);
    if (found !== undefined) known.set(key, found);
    return found;
  };

  return {
    folder: (parts, made) => resolve(parts, made) as string,
    existing: (parts) => resolve(parts, null),
    forget: () => known.clear(),
  };
};
