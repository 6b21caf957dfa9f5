const STORE_IMAGE = /\bstore\.localhost\/([a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)(?![\w./-]|[@:])/g;

/**
 * The projects whose images a Dockerfile builds on: every `store.localhost/<project>` in it that names no digest and no tag,
 * wherever it stands outside of comments (in FROM, in an ARG's default, in COPY --from). Sorted, without repeats.
 */
export const storeBases = (dockerfile: string): string[] => {
  const instructions = dockerfile
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n');
  return [...new Set([...instructions.matchAll(STORE_IMAGE)].map((match) => match[1] as string))].sort();
};
