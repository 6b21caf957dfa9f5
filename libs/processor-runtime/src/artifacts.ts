import { mkdir, mkdtemp, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { inputsError } from './errors.ts';

const STAGING = '.staging-';

/** Writes a file so that a reader sees either its old bytes or all of the new ones, even after a crash. */
export const writeFileSafely = async (file: string, bytes: string): Promise<void> => {
  const temporary = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`;
  const handle = await open(temporary, 'wx', 0o644);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file).catch(async (error: unknown) => {
    await rm(temporary, { force: true });
    throw error;
  });
};

/**
 * Makes a folder below a root, one part of its path at a time, and refuses a part that is a link out of the root, which the path alone does
 * not show. Links that stay below the root are followed.
 * @returns the folder's real path
 * @throws ERR_INPUTS
 */
export const makeFolderBelow = async (root: string, path: string): Promise<string> => {
  const top = await realpath(root);
  let at = top;
  for (const part of path.split('/').filter(Boolean)) {
    const next = join(at, part);
    await mkdir(next).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    const real = await realpath(next).catch(() => null);
    if (real === null || !`${real}${sep}`.startsWith(`${top === sep ? '' : top}${sep}`))
      throw inputsError('write_prefix leads out of the artifacts root by a link');
    if (!(await stat(real)).isDirectory()) throw inputsError('write_prefix names a file where a folder is needed');
    at = real;
  }
  return at;
};

/** Makes the folder in which the outputs of a run are gathered, and removes what a run of the same prefix left when it crashed. */
export const makeStaging = async (folder: string): Promise<string> => {
  const left = (await readdir(folder)).filter((name) => name.startsWith(STAGING));
  await Promise.all(left.map((name) => rm(join(folder, name), { recursive: true, force: true })));
  return mkdtemp(join(folder, STAGING));
};

/** What a finished run leaves on the disk. */
export interface CommittedRun {
  /** The real path of `<root>/<prefix>`. */
  readonly folder: string;
  /** The real path of `<root>/execution/<execution id>`. */
  readonly executionFolder: string;
  /** The folder with the outputs, which is moved into its place. */
  readonly staging: string;
  readonly index: string;
  readonly receipt: string;
}

/**
 * Puts the outputs, index and receipts of a run in place. Old receipts are removed first and new ones written last, so that everything which
 * a receipt names is there, even after a crash in the middle of a second run with the same id.
 */
export const commitRun = async ({ folder, executionFolder, staging, index, receipt }: CommittedRun): Promise<void> => {
  const outputs = join(folder, 'outputs');
  const receipts = [join(executionFolder, 'determinism.json'), join(folder, 'receipt.json')];
  for (const file of [...receipts, join(folder, 'outputs.json')]) await rm(file, { force: true });
  await rm(outputs, { recursive: true, force: true });
  await rename(staging, outputs);
  await writeFileSafely(join(folder, 'outputs.json'), index);
  for (const file of receipts.toReversed()) await writeFileSafely(file, receipt);
};
