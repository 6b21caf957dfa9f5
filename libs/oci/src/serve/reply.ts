import type { Headers } from './refusal.ts';

/** What is answered. With a stream the length stands in the headers. */
export interface Reply {
  readonly status: number;
  readonly headers?: Headers;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Called when the answer is out, or could not be given. */
  readonly done?: () => Promise<void>;
}

/** A document as the body. */
export const jsonReply = (status: number, value: unknown, headers: Headers = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.from(JSON.stringify(value)),
});
