import { connect, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import type { ModalClient } from 'modal';
import { SDK_VERSION, type SdkWatch } from './sdk.ts';
import { readMessage, type WireMessage } from './wire.ts';

/**
 * Asks the control plane for one answer, and reads it; null if it is for the SDK to ask, because anything at all did not come out well: the SDK knows what to try
 * again, and after how long.
 * @throws Error with the `code` and `details` of gRPC if Modal has no such thing or denies it, which asking again does not change
 */
export type AskDirectly = <Answer>(method: string, request: Buffer, read: (message: WireMessage) => Answer) => Promise<Answer | null>;

/** The most that an answer may have, in bytes. */
const ANSWER_LIMIT = 4 * 1024 * 1024;
/** The statuses "not found" and "permission denied" (gRPC, "Status codes and their use"). */
const FINAL: ReadonlySet<number> = new Set([5, 7]);
/** What stands before a message: whether it is compressed, and its length (gRPC, "gRPC over HTTP2"). */
const PREFIX = 5;

const framed = (message: Buffer): Buffer => {
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
};

/** The one message of an answer, which is not compressed. @throws Error if it is something else */
const unframed = (body: Buffer): Buffer => {
  if (body.length < PREFIX || body[0] !== 0 || body.readUInt32BE(1) !== body.length - PREFIX) throw new Error('the answer is not one message');
  return body.subarray(PREFIX);
};

/** How a call ended: a status of gRPC, null if it came to none, and what was said of it. */
interface Ended {
  readonly code: number | null;
  readonly details: string;
  readonly body: Buffer;
}

const unescaped = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

const endOf = (stream: ClientHttp2Stream, request: Buffer): Promise<Ended> =>
  new Promise((resolve) => {
    const parts: Buffer[] = [];
    let [size, told] = [0, {} as IncomingHttpHeaders];
    // An answer without a body has its status in its head.
    const note = (headers: IncomingHttpHeaders): void => void (told = headers);
    stream
      .on('response', note)
      .on('trailers', note)
      .on('error', () => undefined);
    stream.on('data', (part: Buffer) => {
      parts.push(part);
      size += part.length;
      if (size > ANSWER_LIMIT) stream.destroy();
    });
    stream.on('close', () => {
      const { 'grpc-status': code, 'grpc-message': details } = told;
      resolve({ code: code === undefined ? null : Number(code), details: unescaped(String(details ?? '')), body: Buffer.concat(parts) });
    });
    stream.end(framed(request));
  });

/** The headers that the SDK sends with each call; null where it makes some of them anew each time. */
const headersOf = async ({ profile, cpClient }: ModalClient): Promise<Record<string, string> | null> => {
  const { serverUrl, tokenId, tokenSecret, oauthRefreshToken } = profile;
  if (!tokenId || !tokenSecret || oauthRefreshToken) return null;
  const told = await cpClient.authTokenGet({}).catch(() => null);
  return (
    told && {
      ...{ ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' },
      ...{ 'x-modal-client-type': '8', 'x-modal-client-version': '1.0.0', 'x-modal-libmodal-version': `modal-js/${SDK_VERSION}` },
      ...{ 'x-modal-token-id': tokenId, 'x-modal-token-secret': tokenSecret, 'x-modal-host': new URL(serverUrl).hostname },
      ...(told.token === '' ? {} : { 'x-modal-auth-token': told.token }),
    }
  );
};

const openSession = (url: string, signal: AbortSignal): ClientHttp2Session => {
  const session = connect(url);
  // Each call is told of it.
  session.on('error', () => undefined);
  const end = (): void => session.destroy();
  signal.addEventListener('abort', end, { once: true });
  session.once('close', () => signal.removeEventListener('abort', end));
  return session;
};

/** How to ask, and how to end it. */
interface Direct {
  readonly ask: AskDirectly;
  readonly close: () => void;
}

/** No second way: all is left to the SDK. */
export const NOT_DIRECT: Direct = { ask: async () => null, close: () => undefined };

/**
 * A second way to the control plane beside the SDK's, for questions by the thousand: it carries the same calls with the same credentials over one connection, at
 * a third of the time that the layers of the SDK take for each. It is not taken where the SDK's own way is a special one: through a proxy, or with OAuth.
 */
export const openDirect = async (client: ModalClient, { signal, heard, proxied }: SdkWatch): Promise<Direct> => {
  const headers = proxied ? null : await headersOf(client);
  if (headers === null || signal.aborted) return NOT_DIRECT;
  const session = openSession(client.profile.serverUrl, signal);
  let over = false;
  const ask: AskDirectly = async (method, request, read) => {
    if (session.closed || session.destroyed) return null;
    const { code, details, body } = await endOf(session.request({ ...headers, ':path': `/modal.client.ModalClient/${method}` }), request);
    if (code !== null && FINAL.has(code)) throw Object.assign(new Error(details), { code, details });
    // Nobody waits for it any more, so the SDK is not to ask, either.
    if (over) throw new Error('the answer came after the end');
    if (code !== 0) return null;
    heard();
    try {
      return read(readMessage(unframed(body)));
    } catch {
      return null;
    }
  };
  const close = (): void => {
    over = true;
    session.destroy();
  };
  return { ask, close };
};
