export { githubPlace, type GitHubPlace } from './address.ts';
export { checksOf } from './checks.ts';
export { openClient, type GitHubClient, type GitHubOptions } from './client.ts';
export { commitOnBranch, type CommitMade, type CommitOnBranch } from './commit.ts';
export { putPull, type PullRequest, type PutPull, type WantedPull } from './pulls.ts';
