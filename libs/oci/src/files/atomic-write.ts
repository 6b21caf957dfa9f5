import { open, rename, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ifThere, isOnOtherDisk } from './if-there.ts';
import { makeFolder } from './make-folder.ts';
import { throughTemporary } from './whole-file.ts';

/** Puts directory entries on disk, so that a rename outlives a power cut. Not every file system allows it; the rename must do then. */
const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r').catch(() => null);
  if (!handle) return;
  await handle.sync().catch(() => undefined);
  await handle.close();
};

/**
 * Replaces a file in one step: a reader sees the old contents or the new, never a part, and a crash leaves one of the two. An existing file's mode is kept; a
 * missing folder is made. The path must not be a symbolic link: resolve it first.
 * @param temporaryFolder where a crash may leave the new contents, for a file among sources; the file's own folder if absent, or if it is on another disk
 */
export const writeFileAtomic = async (
  path: string,
  contents: string | Uint8Array,
  { temporaryFolder }: { readonly temporaryFolder?: string } = {},
): Promise<void> => {
  const folder = dirname(path);
  await makeFolder(folder);
  const mode = (await ifThere(stat(path)))?.mode;
  const fill = async (file: FileHandle): Promise<void> => {
    if (mode !== undefined) await file.chmod(mode & 0o7777);
    await file.writeFile(contents);
    await file.sync();
  };
  const replaceThrough = (temporary: string) => throughTemporary(temporary, fill, (written) => rename(written, path));
  if (temporaryFolder === undefined) await replaceThrough(folder);
  else await replaceThrough(temporaryFolder).catch((error: unknown) => (isOnOtherDisk(error) ? replaceThrough(folder) : Promise.reject(error)));
  await syncFolder(folder);
};
