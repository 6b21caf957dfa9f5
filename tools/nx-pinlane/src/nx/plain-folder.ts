/** Letters, digits and what is no sign of a pattern to Nx; a space is none. */
const PLAIN = /^[\p{L}\p{M}\p{N} ._/@~,=-]*$/u;

/**
 * Whether Nx finds the files of a folder by its patterns. It puts a folder's name into its globs as it is, so in `apps/(shop)` it sees no file at all, and
 * every edit there looks like none.
 */
export const isPlainFolder = (folder: string): boolean => PLAIN.test(folder);

/** Nx inputs for all files of folders that are not plain, where each sign of a pattern stands for any one character: what else they match is an input too many. */
export const inputsOfOddFolders = (folders: Iterable<string>): string[] =>
  [...new Set(folders)]
    .filter((folder) => !isPlainFolder(folder))
    .sort()
    .map((folder) => `{workspaceRoot}/${Array.from(folder, (char) => (isPlainFolder(char) ? char : '?')).join('')}/**/*`);
