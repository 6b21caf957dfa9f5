import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessorRequest, ProcessorResponse } from '@pinlane/contracts';
import type { HostedAddress } from '@pinlane/pipeline';
import { sendRequest } from '../runtime/index.ts';

/** What sends one request, and reads the whole answer. */
type Send = (request: ProcessorRequest) => Promise<ProcessorResponse>;

/** What sends requests to an app at its address, with the headers that open it. Nothing is redirected, so no credential goes elsewhere. */
export const requestsTo = ({ url, headers }: HostedAddress): Send => {
  const to = { url: new URL(url) };
  return (request) => sendRequest(to, { ...request, headers: { ...headers, ...request.headers } });
};

/** How an app is waited for that takes no request just now. */
export interface BusyPatience {
  /** How long one request is tried, in ms. */
  readonly budgetMs: number;
  /** The pause before it is tried again where the answer names none, in ms. */
  readonly pauseMs: number;
  /** The longest pause that an answer may ask for, in ms. */
  readonly longestMs: number;
}
export const BUSY: BusyPatience = { budgetMs: 60_000, pauseMs: 250, longestMs: 5_000 };

/** The pause that an answer asks for (RFC 9110, section 10.2.3: seconds); null if it took the request. */
const pauseAfter = ({ status, headers }: ProcessorResponse, { pauseMs, longestMs }: BusyPatience): number | null => {
  if (status !== 503) return null;
  const asked = /^\d{1,9}$/.exec(headers['retry-after']?.trim() ?? '')?.[0];
  return Math.min(longestMs, asked === undefined ? pauseMs : Number(asked) * 1000);
};

/**
 * Sends requests as `send` does, and again where none was taken: a deployed app has other callers, is at its limit at times (503), and does not listen for a
 * moment while one version follows another. What may have been carried out is never sent again.
 */
export const untilTaken =
  (send: Send, patience: BusyPatience = BUSY): Send =>
  async (request) => {
    const giveUp = performance.now() + patience.budgetMs;
    for (;;) {
      const seen = await send(request).then(
        (answer) => ({ pause: pauseAfter(answer, patience), tell: () => answer }),
        (error: NodeJS.ErrnoException) => ({
          pause: error.code === 'ECONNREFUSED' ? patience.pauseMs : null,
          tell: () => {
            throw error;
          },
        }),
      );
      if (seen.pause === null || performance.now() + seen.pause > giveUp) return seen.tell();
      // An interruption is told by what is sent next.
      await sleep(seen.pause, undefined, request.signal && { signal: request.signal }).catch(() => undefined);
    }
  };
