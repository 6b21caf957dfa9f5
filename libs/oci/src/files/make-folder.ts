import { mkdirSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMissing, statIfThere } from './if-there.ts';

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Makes one folder, unless there is one. */
const makeOne = async (path: string): Promise<void> => {
  await mkdir(path).catch(async (error: unknown) => {
    if (!(await isFolder(path))) throw error;
  });
};

/**
 * Makes a folder and those above it, unless they are there. Node's own recursive mkdir calls a disk that is read-only ENOENT, and never ends where a folder
 * that is there takes none, as those of /proc.
 * @throws the system's errors, of the first folder that can't be made
 */
export const makeFolder = async (path: string): Promise<void> => {
  try {
    await makeOne(path);
  } catch (error) {
    const above = dirname(path);
    if (!isMissing(error) || above === path) throw error;
    await makeFolder(above);
    await makeOne(path);
  }
};

const makeAtOnce = (path: string): void => {
  try {
    mkdirSync(path);
  } catch (error) {
    const above = dirname(path);
    if (isMissing(error) && above !== path) {
      makeAtOnce(above);
      mkdirSync(path);
    } else if (statIfThere(path)?.isDirectory() !== true) throw error;
  }
};

/** Does something with a path, and again after it made the folder that the path is in, if that was missing. @throws as {@link makeFolder} */
export const withFolderAtOnce = (path: string, act: () => void): void => {
  try {
    act();
  } catch (error) {
    if (!isMissing(error)) throw error;
    makeAtOnce(dirname(path));
    act();
  }
};
