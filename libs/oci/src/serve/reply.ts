import type { Headers } from './refusal.ts';

/** The answer to a request. If the body is a stream, its length is in the headers. */
export interface Reply {
  readonly status: number;
  readonly headers?: Headers;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Called after the answer was sent, or could not be. */
  readonly done?: () => Promise<void>;
}

/** A reply with a JSON document. */
export const jsonReply = (status: number, value: unknown, headers: Headers = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.from(JSON.stringify(value)),
});
