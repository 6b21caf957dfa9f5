import { fail } from '@pinlane/contracts';

/**
 * Links to a folder elsewhere. The first four are Debian's merged /usr (policy 10.1, "usr-merge"); without it a library would be found by one of its two names
 * only. base-files makes the others when it is installed.
 */
export const ALIASES: Readonly<Record<string, string>> = {
  bin: 'usr/bin',
  sbin: 'usr/sbin',
  lib: 'usr/lib',
  lib64: 'usr/lib64',
  'var/run': 'run',
  'var/lock': 'run/lock',
};

/**
 * The path of an archive's entry in the tree: no leading `./` or `/`, aliases resolved; empty for the root itself.
 * @throws ERR_LAYER_UNSAFE for a path that leaves the root or cannot be a path
 */
export const treePath = (raw: string, producer: string): string => {
  const parts = raw.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) fail('ERR_LAYER_UNSAFE', `${producer} holds ${JSON.stringify(raw.slice(0, 200))}, which leaves the root`);
  if (raw.includes('\0') || raw.length > 4096) fail('ERR_LAYER_UNSAFE', `${producer} holds a name that cannot be a path`);
  const path = parts.join('/');
  const alias = Object.keys(ALIASES).find((name) => path === name || path.startsWith(`${name}/`));
  return alias === undefined ? path : `${ALIASES[alias]}${path.slice(alias.length)}`;
};

const DROPPED = ['usr/share/man', 'usr/share/locale', 'usr/share/info', 'usr/share/lintian', 'usr/share/menu', 'usr/share/bug', 'usr/share/doc-base'];

/**
 * Whether an entry of a package is left out, because only people at a terminal read it. Copyright files stay, as licences demand, and so do the links by
 * which a package uses the documentation folder of another, with its copyright file.
 */
export const isDropped = (path: string, type: string): boolean => {
  if (DROPPED.some((folder) => path === folder || path.startsWith(`${folder}/`))) return true;
  const inDoc = /^usr\/share\/doc\/[^/]+(?:\/(.+))?$/.exec(path);
  return inDoc !== null && (inDoc[1] === undefined ? type !== 'directory' && type !== 'symlink' : inDoc[1] !== 'copyright');
};

/** The folders that a path lies in, nearest first. */
export const parentsOf = (path: string): string[] => {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, parts.length - 1 - index).join('/'));
};
