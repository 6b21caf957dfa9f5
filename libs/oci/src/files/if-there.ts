import { lstatSync, statSync, type PathLike, type Stats } from 'node:fs';

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';
export const isTaken = (error: unknown): boolean => codeOf(error) === 'EEXIST';
export const isOnOtherDisk = (error: unknown): boolean => codeOf(error) === 'EXDEV';

/** Waits for what a file is asked for; undefined if the file does not exist. */
export const ifThere = <T>(value: Promise<T>): Promise<T | undefined> =>
  value.catch((error: unknown) => (isMissing(error) ? undefined : Promise.reject(error)));

/** Of a path through a file Node up to 22 throws, and a later one says that nothing is there. */
const orNothing = (look: () => Stats | undefined): Stats | undefined => {
  try {
    return look();
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
};

/** What is at a path, with links followed; undefined if nothing is, also where a part of the path is a file. @throws the system's other errors */
export const statIfThere = (path: PathLike): Stats | undefined => orNothing(() => statSync(path, { throwIfNoEntry: false }));

/** The same, of a link itself. @throws as {@link statIfThere} */
export const lstatIfThere = (path: PathLike): Stats | undefined => orNothing(() => lstatSync(path, { throwIfNoEntry: false }));
