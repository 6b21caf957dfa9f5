const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';
export const isTaken = (error: unknown): boolean => codeOf(error) === 'EEXIST';
export const isOnOtherDisk = (error: unknown): boolean => codeOf(error) === 'EXDEV';

/** Waits for what a file is asked for; undefined if the file does not exist. */
export const ifThere = <T>(value: Promise<T>): Promise<T | undefined> =>
  value.catch((error: unknown) => (isMissing(error) ? undefined : Promise.reject(error)));
