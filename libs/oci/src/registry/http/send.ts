import { fail, isPinlaneError } from '@pinlane/contracts';
import { answerOf } from './answer.ts';
import { brokenConnection } from './broken.ts';
import { printable } from './endpoint.ts';
import { exchange, type StreamedBody } from './exchange.ts';
import type { Answer, Message, Send } from './message.ts';
import { isRedirect, redirected } from './redirect.ts';
import { createWatchdog, type Watchdog } from './watchdog.ts';

export interface SendOptions {
  /** How long an exchange may go without any progress, in ms. */
  readonly idleMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Some servers want a length of every request that could have a body. */
const NO_BODY: Readonly<Record<string, Record<string, string>>> = { POST: { 'content-length': '0' } };

const HOPS_AT_MOST = 5;

/** The error that reading a streamed body ended with. */
interface BodyFailure {
  error?: { readonly value: unknown };
}

/** The same body, which pats the watchdog with each chunk and notes the error that its source throws. */
const watched = ({ size, open }: StreamedBody, watchdog: Watchdog, failure: BodyFailure): StreamedBody => ({
  size,
  async *open() {
    try {
      for await (const chunk of open()) {
        watchdog.pat();
        yield chunk;
      }
    } catch (error) {
      failure.error = { value: error };
      throw error;
    }
  },
});

const headersOf = ({ method, headers, authorization, body }: Message): Record<string, string> => ({
  // Compressed bytes would have to be decompressed before they are hashed, and a range of them would be of no use.
  'accept-encoding': 'identity',
  'user-agent': 'pinlane',
  ...headers,
  ...(authorization === undefined ? {} : { authorization }),
  ...(body === undefined ? NO_BODY[method] : { 'content-length': String(body instanceof Uint8Array ? body.length : body.size) }),
});

/** Sends one message without following redirects. @throws as {@link Send} does */
const sendOnce = async (message: Message, { idleMs, signal }: SendOptions): Promise<Answer> => {
  const { method, url, body } = message;
  const watchdog = createWatchdog(idleMs, signal);
  const failure: BodyFailure = {};
  try {
    const response = await exchange({
      method,
      url,
      headers: headersOf(message),
      signal: watchdog.signal,
      ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : watched(body, watchdog, failure) }),
    });
    watchdog.pat();
    return answerOf(message, response, watchdog, signal);
  } catch (error) {
    watchdog.stop();
    // The connection's error is only the consequence of the body's.
    if (failure.error) throw failure.error.value;
    throw isPinlaneError(error) ? error : brokenConnection(message, error, watchdog, signal);
  }
};

/** Makes the sender of messages that share an idle limit and a signal. */
export const createSend =
  (options: SendOptions): Send =>
  async (first) => {
    let message = first;
    for (let hop = 0; hop <= HOPS_AT_MOST; hop++) {
      const answer = await sendOnce(message, options);
      if (!isRedirect(answer.status, message.method)) return answer;
      await answer.discard();
      message = redirected(message, answer.header('location'));
    }
    return fail('ERR_REGISTRY_PROTOCOL', `${printable(first.url)} leads to more than ${HOPS_AT_MOST} redirects`);
  };
