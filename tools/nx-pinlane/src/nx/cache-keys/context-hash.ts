import { createHash, type Hash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { isOwnEntry } from '@pinlane/oci';

/** Up to so many bytes in all, files are known by their content; those beyond by size and time, because a context may hold whole models. */
const HASHED_BYTES = 32 * 1024 * 1024;

const PROJECT = '{projectRoot}/';

/** The paths in the project that its build's inputs name, relative to it; the whole project if an input is a pattern that could match anywhere. */
const namedPaths = (inputs: readonly unknown[]): string[] => {
  const own = inputs.flatMap((input) => (typeof input === 'string' && input.startsWith(PROJECT) ? [input.slice(PROJECT.length)] : []));
  const paths = own.filter((path) => !path.endsWith('/**/*') || path === '**/*');
  return paths.some((path) => path.includes('*')) ? [''] : paths;
};

const lookAt = (path: string): Stats | null => lstatSync(path, { throwIfNoEntry: false }) ?? null;

/**
 * One hash over the part of a build's context that Nx does not see: which files may be executed, links and their targets, empty folders, and files that
 * git ignores. Other parts of the cache key stand for registry.yaml, by its projection, and for the paths in `except`, so they are left out. A quick
 * look only: the fingerprint decides.
 */
export const contextHash = (folder: string, inputs: readonly unknown[], except: ReadonlySet<string>): string => {
  const hash = createHash('sha256');
  let left = HASHED_BYTES;
  const ofFile = (path: string, { size, mtimeMs }: Stats): string | Buffer => {
    if (size > left) return `${size} ${mtimeMs}`;
    left -= size;
    try {
      return readFileSync(path);
    } catch {
      // The build reports the problem.
      return 'unreadable';
    }
  };
  const take = (into: Hash, relative: string): void => {
    if (except.has(relative)) return;
    const path = join(folder, relative);
    const stats = lookAt(path);
    if (stats === null) return;
    const kind = stats.isSymbolicLink() ? 'link' : stats.isDirectory() ? 'folder' : stats.isFile() ? 'file' : 'other';
    into.update(`${JSON.stringify([relative, kind, stats.isFile() && (stats.mode & 0o111) !== 0])}\n`);
    if (kind === 'link') into.update(readlinkSync(path));
    else if (kind === 'file') into.update(createHash('sha256').update(ofFile(path, stats)).digest());
    else if (kind === 'folder')
      for (const name of readdirSync(path)
        .sort()
        .filter((each) => !isOwnEntry(relative, each)))
        take(into, relative === '' ? name : `${relative}/${name}`);
  };
  for (const path of namedPaths(inputs).sort()) take(hash, path);
  return hash.digest('hex');
};
