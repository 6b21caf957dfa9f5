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

interface Graph {
  readonly nodes: Readonly<Record<string, { readonly data: { readonly root: string } }>>;
  readonly dependencies: Readonly<Record<string, readonly { readonly target: string }[]>>;
}

/** Whether Nx sees the files of a project and of all that it depends on. */
export const isSeenByNx = ({ nodes, dependencies }: Graph, project: string): boolean => {
  const reached = new Set([project]);
  for (const each of reached) {
    if (!isPlainFolder(nodes[each]?.data.root ?? '')) return false;
    for (const { target } of dependencies[each] ?? []) reached.add(target);
  }
  return true;
};
