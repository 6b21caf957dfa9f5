import { resolve } from 'node:path';
import { askGit } from './head.ts';

/**
 * The address of a clone's remote as it is in the clone's configuration, so that no user's rewriting changes it; a path is made absolute. Null if there is no
 * such remote, or no git.
 */
export const remoteAddress = async (folder: string, remote = 'origin'): Promise<string | null> => {
  const { exitCode, stdout } = await askGit(folder, ['config', '--get', `remote.${remote}.url`]);
  const url = stdout.split('\n')[0]?.trim() ?? '';
  if (exitCode !== 0 || url === '') return null;
  return /^\.{0,2}\//.test(url) || !url.includes(':') ? resolve(folder, url) : url;
};
