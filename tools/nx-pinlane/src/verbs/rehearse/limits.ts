import type { HostingName } from '@pinlane/contracts';

/** What act does not do, so that a rehearsal tells nothing of it. */
export const NOT_REHEARSED = [
  'approvals and branch rules of environments: a job with an environment begins at once',
  'concurrency: nothing keeps the runs of a branch apart; --twice starts two at once',
  'permissions of tokens: there is no token; only a job that keeps credentials can push',
  'time limits of jobs, runners of other systems, service containers, caches between runs',
  'that a push with the token of a job starts no workflow: a rehearsal starts those that are named',
  'the log-in to ghcr.io, which is skipped where a registry is named',
] as const;

/** What is otherwise than on GitHub, besides what {@link NOT_REHEARSED} tells. */
export const differencesOf = (facts: { readonly adapter: HostingName; readonly node: string; readonly actions: readonly string[] }): string[] => [
  'the workflow files are those of the commit, without the line `queue: max`, which act refuses; nothing else in them differs',
  `stand-ins for ${facts.actions.join(', ')}: a fresh clone of the remote, the Node of this command (${facts.node}), a folder of artifacts`,
  'npm ci links the packages of this workspace if the lockfile is the same, and runs the scripts of the install; else it installs',
  'secrets that this environment does not have are made up; each job runs as this user, with its programs and its network',
  ...(facts.adapter === 'local' ? ['the client of Modal is not installed: images are deployed to this machine, in a folder that the jobs share'] : []),
];
