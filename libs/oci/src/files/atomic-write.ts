import { chmodSync, fsync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ifThere, isOnOtherDisk, statIfThere } from './if-there.ts';
import { withFolderAtOnce } from './make-folder.ts';
import { renameInto, temporaryName, throughTemporary } from './whole-file.ts';

/** Puts an open file on disk, by its descriptor: the file system that Yarn's Plug'n'Play puts before Node's has no `sync` on its handles. */
const sync = ({ fd }: FileHandle): Promise<void> => promisify(fsync)(fd);

/** Puts directory entries on disk, so that a rename outlives a power cut. Not every file system allows it; the rename must do then. */
const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r').catch(() => null);
  if (!handle) return;
  await sync(handle).catch(() => undefined);
  await handle.close();
};

/** How a file is replaced. */
export interface ReplaceOptions {
  /** Where a crash may leave the new contents, for a file among sources; the file's own folder if absent, or if it is on another disk. */
  readonly temporaryFolder?: string;
}

/**
 * Replaces a file in one step: a reader sees the old contents or the new, never a part, and a crash leaves one of the two. An existing file's mode is kept; a
 * missing folder is made. The path must not be a symbolic link: resolve it first.
 */
export const writeFileAtomic = async (path: string, contents: string | Uint8Array, { temporaryFolder }: ReplaceOptions = {}): Promise<void> => {
  const folder = dirname(path);
  const mode = (await ifThere(stat(path)))?.mode;
  const fill = async (file: FileHandle): Promise<void> => {
    if (mode !== undefined) await file.chmod(mode & 0o7777);
    await file.writeFile(contents);
    await sync(file);
  };
  const replaceThrough = (temporary: string) => throughTemporary(temporary, fill, (written) => renameInto(written, path));
  if (temporaryFolder === undefined) await replaceThrough(folder);
  else await replaceThrough(temporaryFolder).catch((error: unknown) => (isOnOtherDisk(error) ? replaceThrough(folder) : Promise.reject(error)));
  await syncFolder(folder);
};

const placeAtOnce = (temporary: string, contents: string | Uint8Array, path: string): void => {
  const mode = statIfThere(path)?.mode;
  try {
    withFolderAtOnce(temporary, () => writeFileSync(temporary, contents, { flag: 'wx' }));
    if (mode !== undefined) chmodSync(temporary, mode & 0o7777);
    withFolderAtOnce(path, () => renameSync(temporary, path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
};

/**
 * Replaces a small file of which nothing is lost in a power cut, because its reader checks it: as {@link writeFileAtomic}, without waiting for the disk.
 * A run writes several for each processor, and handing every call to a thread would cost many times what it takes.
 */
export const replaceAtOnce = (path: string, contents: string | Uint8Array, { temporaryFolder = dirname(path) }: ReplaceOptions = {}): void => {
  try {
    placeAtOnce(join(temporaryFolder, temporaryName()), contents, path);
  } catch (error) {
    if (!isOnOtherDisk(error)) throw error;
    placeAtOnce(join(dirname(path), temporaryName()), contents, path);
  }
};
