/** Errors of writing to an open file, which don't say which one. The connection that its bytes come from has others. */
const OF_WRITING = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS', 'ESTALE']);

/** Does some work on one open file, and names the file in an error of the system, such as that of a full disk. */
export const aboutFile = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Object && 'code' in error && OF_WRITING.has(String(error.code)) && !('path' in error)) Object.assign(error, { path });
    throw error;
  }
};
