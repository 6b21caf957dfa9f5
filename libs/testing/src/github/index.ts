export {
  startGitHubStandIn,
  type GitHubChecks,
  type GitHubFault,
  type GitHubPull,
  type GitHubRequest,
  type GitHubStandIn,
  type GitHubStandInOptions,
} from './stand-in.ts';
