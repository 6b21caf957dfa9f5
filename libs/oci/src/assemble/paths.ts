import { fail } from '@pinlane/contracts';

/** In characters: Linux takes no path that is longer (PATH_MAX). */
const LONGEST_PATH = 4096;

/** Layers are read up to this depth, see `parseEntryName`. */
const MOST_NAMES = 256;

/** A path that an instruction names. @throws ERR_DOCKERFILE_SYNTAX if it is longer than Linux takes one, or deeper than a layer is read */
export const requireShort = (path: string): string => {
  const refuse = (why: string): never => fail('ERR_DOCKERFILE_SYNTAX', `the path ${JSON.stringify(`${path.slice(0, 100)}…`)} ${why}`);
  if (path.length > LONGEST_PATH) refuse(`is longer than ${LONGEST_PATH} characters`);
  return namesOf(path).length <= MOST_NAMES ? path : refuse(`has more than ${MOST_NAMES} names`);
};

/** The names of a path, without empty ones and `.`; `..` stays. */
export const namesOf = (path: string): string[] => (path === '' ? [] : path.split('/').filter((name) => name !== '' && name !== '.'));

/** A path below a folder, either of which may be empty: the root. */
export const below = (folder: string, path: string): string => (folder === '' || path === '' ? folder + path : `${folder}/${path}`);

/** The folder that a path is in; empty for the root. */
export const folderOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0));

export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** A path below the root without `.` and `..`. `a/../b` is `b`, even if `a` is a link: Docker cleans a path before it follows links. */
export const withoutDots = (path: string): string => {
  const kept: string[] = [];
  for (const name of namesOf(path)) {
    if (name === '..') kept.pop();
    else kept.push(name);
  }
  return kept.join('/');
};

/** What an instruction means by a path: below the root, as `withoutDots` has it. */
export const fromFolder = (workingDirectory: string, path: string): string => withoutDots(path.startsWith('/') ? path : `${workingDirectory}/${path}`);

/** Whether a relative path leaves the folder that it starts in, on its way or at its end. */
export const climbs = (path: string): boolean => {
  let depth = 0;
  return namesOf(path).some((name) => (depth += name === '..' ? -1 : 1) < 0);
};
