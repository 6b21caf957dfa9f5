import * as z from 'zod';
import { fail } from '@pinlane/contracts';
import { ATTEMPTS, type GitHubClient } from './client.ts';

const pullSchema = z.object({
  number: z.int().positive(),
  html_url: z.string(),
  title: z.string(),
  body: z.string().nullable(),
  state: z.string(),
  head: z.object({ ref: z.string(), sha: z.string(), repo: z.object({ full_name: z.string() }).nullable() }),
  base: z.object({ ref: z.string(), repo: z.object({ full_name: z.string() }) }),
});

/** A pull request that is open. */
export type PullRequest = z.infer<typeof pullSchema>;

/** A pull request as it should be: from one branch of the repository to another. */
export interface WantedPull {
  readonly head: string;
  readonly base: string;
  readonly title: string;
  readonly body: string;
}

/** What came of it. `forbidden`: the organisation lets no workflow open pull requests. `nothing`: GitHub sees no commit between the branches. */
export type PutPull =
  | { readonly outcome: 'opened' | 'updated' | 'there' | 'foreign'; readonly pull: PullRequest }
  | { readonly outcome: 'forbidden' | 'nothing'; readonly said: string };

const sameText = (a: string, b: string): boolean => a.replaceAll('\r\n', '\n').trim() === b.replaceAll('\r\n', '\n').trim();

/** The open pull request between two branches of the repository itself; a branch of the same name in a fork is another one. */
const findPull = async (client: GitHubClient, { head, base }: WantedPull): Promise<PullRequest | null> => {
  const { owner, repo } = client.repo;
  const pulls = await client.must('the pull requests that are open', z.array(pullSchema), (octokit) =>
    octokit.rest.pulls.list({ owner, repo, state: 'open', head: `${owner}:${head}`, base, per_page: 100 }),
  );
  const isIt = (pull: PullRequest): boolean =>
    pull.state === 'open' && pull.head.ref === head && pull.base.ref === base && pull.head.repo?.full_name === pull.base.repo.full_name;
  return pulls.find(isIt) ?? null;
};

/**
 * Opens a pull request between two branches, or brings the one up to date that is open. One that was opened without an answer, or by somebody else meanwhile, is
 * found when it is looked for again.
 * @param isOurs whether one that is open may be written over
 * @throws ERR_GITHUB_DENIED, ERR_GITHUB_REFUSED, ERR_GITHUB_ANSWER, ERR_GITHUB_RATE_LIMITED, ERR_GITHUB_UNAVAILABLE
 */
export const putPull = async (client: GitHubClient, wanted: WantedPull, isOurs: (pull: PullRequest) => boolean): Promise<PutPull> => {
  const { title, body, head, base } = wanted;
  const what = 'the pull request could not be opened';
  let asked = false;
  for (let attempt = 1; ; attempt += 1) {
    const pull = await findPull(client, wanted);
    if (pull !== null) {
      const isSame = pull.title === title && sameText(pull.body ?? '', body);
      if (isSame) return { outcome: asked ? 'opened' : 'there', pull };
      if (!isOurs(pull)) return { outcome: 'foreign', pull };
      const updated = await client.must(`pull request ${pull.number} could not be updated`, pullSchema, (octokit) =>
        octokit.rest.pulls.update({ ...client.repo, pull_number: pull.number, title, body }),
      );
      return { outcome: 'updated', pull: updated };
    }
    const opened = await client.once(what, pullSchema, (octokit) => octokit.rest.pulls.create({ ...client.repo, title, body, head, base }));
    if ('data' in opened) return { outcome: 'opened', pull: opened.data };
    const { refusal, said } = opened;
    if (refusal.kind === 'forbidden' || refusal.kind === 'nothing') return { outcome: refusal.kind, said };
    asked = refusal.kind === 'again' && refusal.code === 'ERR_GITHUB_UNAVAILABLE';
    if (refusal.kind === 'exists' && attempt < ATTEMPTS) continue;
    if (refusal.kind === 'exists') return fail('ERR_GITHUB_ANSWER', `${what}: ${said}, and there is none in the list`);
    if (!(await client.again(refusal, attempt))) return client.refuse(what, refusal, said);
  }
};
