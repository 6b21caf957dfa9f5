import { setTimeout as sleep } from 'node:timers/promises';
import { isDigest, shortDigest, type Digest, type Known, type ProcessorRequest, type ProcessorResponse } from '@pinlane/contracts';

/** How it is found out which digest serves. */
export interface ServingCheck {
  readonly request: (request: ProcessorRequest) => Promise<ProcessorResponse>;
  /** The digest that is to serve. */
  readonly digest: Digest;
  /** How many right answers in a row count: while deployments overlap, each answer may come from another version. */
  readonly inRow?: number;
  /** How long is waited, for cold starts and for a version before that still answers, in ms. */
  readonly budgetMs?: number;
  readonly pauseMs?: number;
  readonly signal: AbortSignal;
}

/** The digest that serves, and in words what was seen if it is not the right one. */
export interface ServingFound {
  readonly serving: Known<Digest | null>;
  /** Null if the right digest serves. */
  readonly why: string | null;
}

export const SERVING = { inRow: 3, budgetMs: 120_000, pauseMs: 200, answerMs: 30_000 } as const;

/** The digest of an answer of /healthz, or why there is none. */
const digestOf = ({ status, body }: ProcessorResponse): { readonly digest: Digest } | { readonly reason: string } => {
  if (status !== 200) return { reason: `/healthz answers ${status}` };
  try {
    const said = JSON.parse(Buffer.from(body).toString('utf8')) as { ok?: unknown; image_digest?: unknown } | null;
    const digest = said?.image_digest;
    if (said?.ok !== true || typeof digest !== 'string' || !isDigest(digest)) return { reason: '/healthz answers 200 and names no digest: it is no processor' };
    return { digest };
  } catch {
    return { reason: '/healthz answers 200 and no JSON: it is no processor' };
  }
};

/** How a digest that serves is asked for. */
export type ServingQuestion = Pick<ServingCheck, 'request' | 'budgetMs' | 'pauseMs' | 'signal'>;

/**
 * The digest that /healthz of an app answers with, whichever it is; null if something else than a processor answers. One that is scaled to zero is waited for;
 * what is refused is not asked for again. @throws the signal's reason
 */
export const seenServing = async ({
  request,
  budgetMs = SERVING.budgetMs,
  pauseMs = SERVING.pauseMs,
  signal,
}: ServingQuestion): Promise<Known<Digest | null>> => {
  const giveUp = performance.now() + budgetMs;
  for (;;) {
    signal.throwIfAborted();
    const left = Math.max(1000, Math.min(SERVING.answerMs, giveUp - performance.now()));
    const seen = await request({ method: 'GET', path: '/healthz', timeoutMs: left, signal }).then(
      (answer) => ({ ...digestOf(answer), status: answer.status }),
      (error: Error) => {
        signal.throwIfAborted();
        return { reason: `/healthz does not answer: ${error.message}`, status: 0 };
      },
    );
    if ('digest' in seen) return { known: true, value: seen.digest };
    if (seen.status >= 400 && seen.status < 500) return { known: false, reason: seen.reason };
    if (performance.now() > giveUp) return seen.status === 200 ? { known: true, value: null } : { known: false, reason: seen.reason };
    await sleep(pauseMs);
  }
};

/** Asks /healthz until the right digest has answered several times in a row, or the time is over. @throws the signal's reason */
export const awaitServing = async (check: ServingCheck): Promise<ServingFound> => {
  const { request, digest, inRow = SERVING.inRow, budgetMs = SERVING.budgetMs, pauseMs = SERVING.pauseMs, signal } = check;
  const giveUp = performance.now() + budgetMs;
  let right = 0;
  for (;;) {
    signal.throwIfAborted();
    const left = Math.max(1000, Math.min(SERVING.answerMs, giveUp - performance.now()));
    const seen = await request({ method: 'GET', path: '/healthz', timeoutMs: left, signal }).then(digestOf, (error: Error) => {
      signal.throwIfAborted();
      return { reason: `/healthz does not answer: ${error.message}` };
    });
    right = 'digest' in seen && seen.digest === digest ? right + 1 : 0;
    if (right >= inRow) return { serving: { known: true, value: digest }, why: null };
    if (performance.now() > giveUp) {
      if ('reason' in seen) return { serving: { known: false, reason: seen.reason }, why: `${seen.reason}, for ${Math.round(budgetMs / 1000)} s` };
      const why =
        seen.digest === digest
          ? `${shortDigest(digest)} and another digest answer by turns`
          : `${shortDigest(seen.digest)} still serves after ${Math.round(budgetMs / 1000)} s`;
      return { serving: { known: true, value: seen.digest }, why };
    }
    await sleep(right > 0 ? Math.min(pauseMs, 50) : pauseMs);
  }
};
