import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Puts directory entries on disk, so that a rename outlives a power cut. Not every file system allows it; then the rename alone must do. */
const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r').catch(() => null);
  if (!handle) return;
  await handle.sync().catch(() => undefined);
  await handle.close();
};

const isOnOtherDisk = (thrown: unknown): boolean => (thrown as NodeJS.ErrnoException | null)?.code === 'EXDEV';

const replaceThrough = async (folder: string, path: string, contents: string | Uint8Array, mode: number | undefined): Promise<void> => {
  const temporary = join(folder, `${basename(path)}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    const handle = await open(temporary, 'wx', 0o666);
    try {
      if (mode !== undefined) await handle.chmod(mode & 0o7777);
      await handle.writeFile(contents);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  }
};

/**
 * Replaces a file in one step: a reader sees the old contents or the new, never a part, and a crash leaves one of the two. The mode
 * of a file that is there is kept; its folder is made where it is missing. The path must not be a symbolic link: resolve it first.
 * `temporaryFolder` is where a crash may leave the new contents: for a file among sources, a folder that is not. It counts where it is on
 * the same disk as the file.
 */
export const writeFileAtomic = async (
  path: string,
  contents: string | Uint8Array,
  { temporaryFolder }: { readonly temporaryFolder?: string } = {},
): Promise<void> => {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const mode = (await stat(path).catch(() => null))?.mode;
  if (temporaryFolder === undefined) await replaceThrough(folder, path, contents, mode);
  else {
    await mkdir(temporaryFolder, { recursive: true });
    await replaceThrough(temporaryFolder, path, contents, mode).catch((thrown: unknown) => {
      if (!isOnOtherDisk(thrown)) throw thrown;
      return replaceThrough(folder, path, contents, mode);
    });
  }
  await syncFolder(folder);
};
