import { setTimeout as sleep } from 'node:timers/promises';
import { cutOff, fail, isPinlaneError, plainLine } from '@pinlane/contracts';
import { githubAnswer, type GitHubAnswer, type GitHubRefusal } from '@pinlane/pipeline';
import type { Octokit } from '@octokit/rest';
import * as z from 'zod';
import { redactText } from '../process/index.ts';
import type { GitHubPlace } from './address.ts';

/** How GitHub's API is asked. */
export interface GitHubOptions {
  readonly place: Pick<GitHubPlace, 'api' | 'owner' | 'name'>;
  readonly token: string;
  readonly signal: AbortSignal;
  /** Waits so many milliseconds. */
  readonly wait?: ((ms: number) => Promise<void>) | undefined;
}

/** So often a request is sent. */
export const ATTEMPTS = 4;
/** So long it is waited between two, in milliseconds: who has to wait longer is told. */
export const WAIT_AT_MOST = 60_000;
/** So long an answer may take, in milliseconds. */
const ANSWER_MS = 30_000;

/** The answer to a request, or what it means that there is none. */
export type Asked<T> = { readonly data: T } | { readonly refusal: GitHubAnswer; readonly said: string };

const fieldsOf = (thrown: unknown): GitHubRefusal => {
  const { status, response, message } = thrown as { status?: unknown; response?: { headers?: GitHubRefusal['headers'] }; message?: unknown };
  // Octokit gives 500 to what never got an answer.
  return { status: response === undefined || typeof status !== 'number' ? null : status, headers: response?.headers ?? {}, message: String(message ?? thrown) };
};

/** The SDK is loaded when GitHub is asked first; it logs nothing. */
const openOctokit = async ({ place, token, signal }: GitHubOptions): Promise<Octokit> => {
  const { Octokit: Client } = await import('@octokit/rest');
  const mute = (): undefined => undefined;
  const ask: typeof fetch = (url, init) => fetch(url, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]) });
  return new Client({
    auth: token,
    baseUrl: place.api,
    userAgent: 'pinlane',
    log: { debug: mute, info: mute, warn: mute, error: mute },
    request: { fetch: ask },
  });
};

/**
 * A client of GitHub's REST API for one repository. What may be asked again is, up to 4 times and a minute in between; the token is in no message.
 */
export const openClient = (options: GitHubOptions) => {
  const { place, token, signal, wait = async (ms) => void (await sleep(ms, undefined, { signal })) } = options;
  let opened: Promise<Octokit> | undefined;
  const interrupted = (): void => {
    if (signal.aborted) fail('ERR_CANCELLED', "GitHub's API was asked, and the command interrupted");
  };

  /** What GitHub says, on one line, without the token. */
  const quote = (text: string): string => cutOff(plainLine(redactText(text, [token])), 1000);

  /** Asks once. @throws ERR_CANCELLED, ERR_GITHUB_ANSWER */
  const once = async <T>(what: string, schema: z.ZodType<T>, request: (octokit: Octokit) => Promise<{ readonly data: unknown }>): Promise<Asked<T>> => {
    interrupted();
    opened ??= openOctokit(options);
    const octokit = await opened;
    let data: unknown;
    try {
      ({ data } = await request(octokit));
    } catch (thrown) {
      interrupted();
      if (isPinlaneError(thrown)) throw thrown;
      const refusal = fieldsOf(thrown);
      const said = quote(refusal.message);
      return { refusal: githubAnswer(refusal, Date.now()), said: refusal.status === null ? said : `${refusal.status}: ${said}` };
    }
    const parsed = schema.safeParse(data);
    if (parsed.success) return { data: parsed.data };
    const [issue] = parsed.error.issues;
    return fail('ERR_GITHUB_ANSWER', `${what}: ${issue?.path.join('.') || 'the answer'}: ${issue?.message}`);
  };

  /** Waits before a request is sent again. @returns whether it is to be */
  const again = async (refusal: GitHubAnswer, attempt: number): Promise<boolean> => {
    if (refusal.kind !== 'again' || attempt >= ATTEMPTS) return false;
    const ms = refusal.afterMs ?? Math.random() * 500 * 2 ** attempt;
    if (ms > WAIT_AT_MOST) return false;
    await wait(ms).catch(() => undefined);
    interrupted();
    return true;
  };

  /** @throws what a refusal means */
  const refuse = (what: string, refusal: GitHubAnswer, said: string): never => {
    if (refusal.kind === 'again') return fail(refusal.code, `${what}: ${said}`);
    if (refusal.kind === 'refused') return fail(refusal.code, `${what}: ${said}`, refusal.fix === undefined ? {} : { fix: refusal.fix });
    return fail('ERR_GITHUB_REFUSED', `${what}: ${said}`);
  };

  return {
    quote,
    once,
    again,
    refuse,
    /** The address of the GraphQL API, which on GitHub Enterprise Server is beside that of REST. */
    graphql: `${place.api.replace(/\/v3$/, '')}/graphql`,
    /** Owner and name, for every request. */
    repo: { owner: place.owner, repo: place.name },
    /** Asks until there is an answer; for requests that may be sent twice. @throws ERR_GITHUB_DENIED, ERR_GITHUB_REFUSED, ERR_GITHUB_ANSWER, ERR_GITHUB_RATE_LIMITED, ERR_GITHUB_UNAVAILABLE */
    must: async <T>(what: string, schema: z.ZodType<T>, request: (octokit: Octokit) => Promise<{ readonly data: unknown }>): Promise<T> => {
      for (let attempt = 1; ; attempt += 1) {
        const asked = await once(what, schema, request);
        if ('data' in asked) return asked.data;
        if (!(await again(asked.refusal, attempt))) return refuse(what, asked.refusal, asked.said);
      }
    },
  };
};

/** See {@link openClient}. */
export type GitHubClient = ReturnType<typeof openClient>;
