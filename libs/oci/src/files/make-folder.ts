import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMissing } from './if-there.ts';

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
