import type { ErrorCode, PinlaneError } from '@pinlane/contracts';
import type { StreamedBody } from './exchange.ts';

/** A request to a registry, or to a server that a registry names. */
export interface Message {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Apart from the headers, so that a redirect to another origin can drop it. */
  readonly authorization?: string;
  readonly body?: Uint8Array | StreamedBody;
  /** Whether the body holds a secret, which must not be sent to another origin. */
  readonly secretBody?: boolean;
}

/** The answer to a message, after redirects. */
export interface Answer {
  readonly status: number;
  /** The address that answered. */
  readonly url: URL;
  header(name: string): string | null;
  /** To be read once, or discarded. @throws ERR_REGISTRY_UNAVAILABLE if the connection breaks */
  body(): AsyncIterable<Uint8Array>;
  discard(): Promise<void>;
  /** Reads the body and makes the answer an error. `missing` is the code for status 404. */
  failure(missing?: ErrorCode): Promise<PinlaneError>;
}

/**
 * Sends a message and follows redirects; an answer of any status is a result.
 * @throws ERR_REGISTRY_UNAVAILABLE, ERR_REGISTRY_PROTOCOL, ERR_CANCELLED and what a streamed body throws
 */
export type Send = (message: Message) => Promise<Answer>;
