import { createHash } from 'node:crypto';

const LONGEST = 500;

/** The name of a folder on this machine: the same in each of its clones, and nobody's path is published. */
const ofFolder = (path: string): string => `folder:${createHash('sha256').update(path.replace(/\/+$/, '')).digest('hex').slice(0, 16)}`;

/** Host and path of an address, without login, port and ending; null if it is none. */
const ofAddress = (url: string): string | null => {
  const [, scheme = '', host = '', path = ''] = /^([a-z][a-z0-9+.-]*):\/\/(?:[^/]*@)?([^/:@]*)(?::\d*)?(\/.*)?$/i.exec(url) ?? [];
  if (scheme.toLowerCase() === 'file') return ofFolder(path);
  const [, likeHost = host, likePath = path] = scheme === '' ? (/^(?:[^/:@]*@)?([^/:@]+):([^:]*)$/.exec(url) ?? []) : [];
  const trimmed = likePath.replace(/^\/+|\/+$/g, '').replace(/\.git$/i, '');
  return likeHost === '' || trimmed === '' ? null : `${likeHost}/${trimmed}`.toLowerCase();
};

/**
 * The name of a workspace, from the address of the remote that it is cloned from: host and path, in lower case, however the remote is reached
 * (gitprotocol, `git help clone`, "GIT URLS"). A folder of this machine is named by a hash.
 * @param url as it is in the configuration; the path of a folder must be absolute
 * @returns null if it is no address
 */
export const workspaceName = (url: string): string | null => {
  const text = url.trim();
  if (text === '' || text.length > LONGEST) return null;
  return text.startsWith('/') ? ofFolder(text) : ofAddress(text);
};
