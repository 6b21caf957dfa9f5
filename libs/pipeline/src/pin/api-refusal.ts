import type { RemoteAnswer } from './push-refusal.ts';

/** An error of GitHub's GraphQL API. */
export interface ApiError {
  readonly type?: string | undefined;
  readonly message: string;
}

const refused = (code: Extract<RemoteAnswer, { kind: 'refused' }>['code'], fix?: string): RemoteAnswer => ({
  kind: 'refused',
  code,
  ...(fix === undefined ? {} : { fix }),
});

/** The first that fits counts. The types are those of GitHub's GraphQL API, the words those of its rules for branches. */
const ANSWERS: readonly (readonly [RegExp, RemoteAnswer])[] = [
  [/^STALE_DATA |expected branch to point to/i, { kind: 'race' }],
  [/rate.?limit/i, { kind: 'unreachable' }],
  [/repository rule violations|ruleset/i, refused('ERR_PIN_COMMIT_RULESET')],
  [
    /protected branch|approving review is required|required status check|must be made through a pull request|not authorized to push to this branch/i,
    refused('ERR_PIN_COMMIT_PROTECTED'),
  ],
  [/archived/i, refused('ERR_PIN_COMMIT_DENIED', 'The repository is archived; nobody can write to it.')],
  [
    /^(?:FORBIDDEN|NOT_FOUND|INSUFFICIENT_SCOPES) |resource not accessible|could not resolve to a/i,
    refused(
      'ERR_PIN_COMMIT_DENIED',
      'Give the token the right to write contents: `permissions: contents: write`, or set PINLANE_GIT_TOKEN to one that has it.',
    ),
  ],
  [/something went wrong|timed? ?out|couldn't respond/i, { kind: 'unreachable' }],
];

/** Tells from the errors of GitHub's GraphQL API why it did not make a commit. A reason that is not known is a refusal: it is told, and not tried again. */
export const apiCommitAnswer = (errors: readonly ApiError[]): RemoteAnswer => {
  const texts = errors.map(({ type = '', message }) => `${type} ${message}`);
  return ANSWERS.find(([pattern]) => texts.some((text) => pattern.test(text)))?.[1] ?? refused('ERR_PIN_COMMIT_REFUSED');
};
