import { apiCommitAnswer, type RemoteAnswer } from '@pinlane/pipeline';
import * as z from 'zod';
import type { GitHubClient } from './client.ts';

const QUERY = `mutation ($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } }
}`;

const commitId = z.string().regex(/^[a-f0-9]{40}(?:[a-f0-9]{24})?$/);
const answerSchema = z.object({
  data: z.object({ createCommitOnBranch: z.object({ commit: z.object({ oid: commitId }).nullable() }).nullable() }).nullish(),
  errors: z
    .array(z.object({ type: z.string().optional(), message: z.string() }))
    .min(1)
    .optional(),
});

/** A commit that GitHub makes, and signs, on the tip of a branch. */
export interface CommitOnBranch {
  readonly branch: string;
  /** Where the branch must be. */
  readonly tip: string;
  readonly message: string;
  /** What files hold afterwards; paths are relative to the top. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

/** The commit, or why there is none. */
export type CommitMade = { readonly commit: string } | { readonly said: string; readonly answer: RemoteAnswer };

/**
 * Lets GitHub make a commit of some files on the tip of a branch (GraphQL, createCommitOnBranch), which it signs. It is asked once: whether a commit was made
 * without an answer is for the caller to find out.
 * @throws ERR_GITHUB_ANSWER, ERR_CANCELLED
 */
export const commitOnBranch = async (client: GitHubClient, { branch, tip, message, files }: CommitOnBranch): Promise<CommitMade> => {
  const [headline = '', ...body] = message.trimEnd().split('\n');
  const input = {
    branch: { repositoryNameWithOwner: `${client.repo.owner}/${client.repo.repo}`, branchName: branch },
    expectedHeadOid: tip,
    message: { headline, body: body.join('\n').trim() },
    fileChanges: { additions: files.map(({ path, text }) => ({ path, contents: Buffer.from(text).toString('base64') })) },
  };
  const asked = await client.once('the commit', answerSchema, (octokit) =>
    octokit.request({ method: 'POST', url: client.graphql, query: QUERY, variables: { input } }),
  );
  if ('refusal' in asked) {
    const { refusal, said } = asked;
    if (refusal.kind === 'again') return { said, answer: { kind: 'unreachable' } };
    return {
      said,
      answer: {
        kind: 'refused',
        code: refusal.kind === 'refused' && refusal.code === 'ERR_GITHUB_DENIED' ? 'ERR_PIN_COMMIT_DENIED' : 'ERR_PIN_COMMIT_REFUSED',
      },
    };
  }
  const { data, errors = [] } = asked.data;
  const oid = data?.createCommitOnBranch?.commit?.oid;
  if (errors.length === 0 && oid !== undefined) return { commit: oid };
  const said = client.quote(errors.map(({ type, message: words }) => `${type === undefined ? '' : `${type}: `}${words}`).join('; '));
  return { said: said || 'no commit was made', answer: errors.length === 0 ? { kind: 'unreachable' } : apiCommitAnswer(errors) };
};
