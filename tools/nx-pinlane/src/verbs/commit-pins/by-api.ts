import { commitOnBranch, type Clone, type GitHubClient } from '@pinlane/adapters';
import { fail } from '@pinlane/contracts';
import { proveCommit } from './plan.ts';
import type { Bring } from './publish.ts';

/** GitHub's API makes plain files, whatever mode they had. */
const PLAIN = '100644';

/**
 * Has GitHub make the commit by its API, which signs it. What it made is fetched and proved as our own was. If that commit can't be fetched it counts as not
 * brought: it is found on the branch by the next attempt.
 * @throws ERR_PIN_COMMIT_REFUSED for a file that is executable; ERR_PIN_COMMIT_DIRTY, ERR_GITHUB_ANSWER
 */
export const byApi =
  (github: GitHubClient, clone: Clone): Bring =>
  async ({ tip, message, plan }, branch) => {
    const odd = plan.writes.find(({ stored }) => stored.mode !== PLAIN);
    if (odd !== undefined)
      return fail('ERR_PIN_COMMIT_REFUSED', "GitHub's API would make a plain file of it", {
        file: odd.file,
        fix: 'Take its mode away: git update-index --chmod=-x.',
      });
    const files = plan.writes.map(({ stored, text }) => ({ path: stored.path, text }));
    const made = await commitOnBranch(github, { branch, tip, message, files });
    if (!('commit' in made)) return made;
    const fetched = await clone.fetchTip(branch);
    if (!('tip' in fetched) || fetched.tip === null || !(await clone.isAncestor(made.commit, fetched.tip)))
      return { said: `GitHub made ${made.commit.slice(0, 12)}, which is not to be fetched`, answer: { kind: 'unreachable' } };
    await proveCommit(tip, made.commit, plan, clone);
    return made;
  };
