import type { ErrorCode } from '@pinlane/contracts';

/** What came in the place of a good answer of GitHub's API. */
export interface GitHubRefusal {
  /** Null if there was no answer at all. */
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  /** What GitHub says, its list of errors included. */
  readonly message: string;
}

/** What a refusal means. `again`: it may be asked again, after so long, or after as long as the caller likes. */
export type GitHubAnswer =
  | { readonly kind: 'again'; readonly code: 'ERR_GITHUB_UNAVAILABLE' | 'ERR_GITHUB_RATE_LIMITED'; readonly afterMs: number | null }
  | { readonly kind: 'exists' | 'forbidden' | 'nothing' }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly fix?: string };

/** GitHub asks for a minute where it names no time ("Best practices for using the REST API", handle rate limit errors appropriately). */
const A_MINUTE = 60_000;

const seconds = (value: string | number | undefined): number | null => (value !== undefined && /^\d{1,10}$/.test(String(value)) ? Number(value) : null);

const limitOf = ({ status, headers, message }: GitHubRefusal, now: number): GitHubAnswer | null => {
  const after = seconds(headers['retry-after']);
  const isSpent = headers['x-ratelimit-remaining'] !== undefined && seconds(headers['x-ratelimit-remaining']) === 0;
  if (status !== 429 && !(status === 403 && (after !== null || isSpent || /rate limit/i.test(message)))) return null;
  const reset = isSpent ? seconds(headers['x-ratelimit-reset']) : null;
  const afterMs = after !== null ? after * 1000 : reset !== null ? Math.max(0, reset * 1000 - now) : A_MINUTE;
  return { kind: 'again', code: 'ERR_GITHUB_RATE_LIMITED', afterMs };
};

/**
 * Tells what a refusal of GitHub's API means ("Troubleshooting the REST API", "Rate limits for the REST API").
 * @param now in milliseconds since 1970
 */
export const githubAnswer = (refusal: GitHubRefusal, now: number): GitHubAnswer => {
  const { status, headers, message } = refusal;
  const limit = limitOf(refusal, now);
  if (limit !== null) return limit;
  if (status === null || status >= 500 || status === 408) return { kind: 'again', code: 'ERR_GITHUB_UNAVAILABLE', afterMs: null };
  if (status === 401) return { kind: 'refused', code: 'ERR_GITHUB_DENIED', fix: 'The token is not valid, or no longer: set PINLANE_GIT_TOKEN to one that is.' };
  if (status === 403 && /not permitted to create or approve pull requests/i.test(message)) return { kind: 'forbidden' };
  if (status === 403 && headers['x-github-sso'] !== undefined)
    return { kind: 'refused', code: 'ERR_GITHUB_DENIED', fix: 'Authorise the token for the single sign-on of the organisation: Settings, Developer settings.' };
  if (status === 403 || status === 404) return { kind: 'refused', code: 'ERR_GITHUB_DENIED' };
  if (status === 422 && /pull request already exists/i.test(message)) return { kind: 'exists' };
  if (status === 422 && /no commits between/i.test(message)) return { kind: 'nothing' };
  return { kind: 'refused', code: 'ERR_GITHUB_REFUSED' };
};
