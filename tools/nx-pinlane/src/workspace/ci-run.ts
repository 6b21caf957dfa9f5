/** The address of the run of GitHub Actions; null outside of one. */
export const runOf = (env: Readonly<Record<string, string | undefined>>): string | null => {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: id, GITHUB_RUN_ATTEMPT: attempt } = env;
  if (!server || !repository || !id) return null;
  return `${server}/${repository}/actions/runs/${id}${attempt ? `/attempts/${attempt}` : ''}`;
};
