import { fail, isPinlaneError, PinlaneError, type ErrorCode } from '@pinlane/contracts';
import { printable } from './endpoint.ts';
import { classify, parseErrorBody, parseRetryAfter, RegistryUnavailable, retryAfterIn } from './failure.ts';
import { exchange, type Incoming, type Outgoing, type StreamedBody } from './exchange.ts';
import { isRedirect, redirected } from './redirect.ts';
import { createWatchdog, type Watchdog } from './watchdog.ts';

export interface Message {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Kept apart from the headers, so that it is dropped where it must not go. */
  readonly authorization?: string;
  readonly body?: Uint8Array | StreamedBody;
  /** Whether the body holds a secret, and so may go to no other origin. */
  readonly secretBody?: boolean;
}

export interface Answer {
  readonly status: number;
  /** Where it came from, redirects followed. */
  readonly url: URL;
  header(name: string): string | null;
  /** To be read once, or discarded. @throws ERR_REGISTRY_UNAVAILABLE when the connection breaks */
  body(): AsyncIterable<Uint8Array>;
  discard(): Promise<void>;
  /** The error that this answer is; consumes the body. `missing` is what 404 means. */
  failure(missing?: ErrorCode): Promise<PinlaneError>;
}

/** One exchange: redirects followed, every status an answer. @throws ERR_REGISTRY_UNAVAILABLE, ERR_REGISTRY_PROTOCOL, ERR_CANCELLED and what a streamed body throws */
export type Send = (message: Message) => Promise<Answer>;

export interface SendOptions {
  /** How long nothing at all may happen, in ms. */
  readonly idleMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Some servers want a length of every request that could have a body. */
const NO_BODY: Readonly<Record<string, Record<string, string>>> = { POST: { 'content-length': '0' } };

const HOPS_AT_MOST = 5;
const ERROR_BODY_LIMIT = 64 * 1024;
/** Errors of the connection after which another attempt would end the same. */
const HOPELESS = /^(?:ENOTFOUND|ERR_INVALID_URL|ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_SSL|EPROTO)/;

const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO/;

/** Whether a request ended because the certificate of the other side is not trusted. */
export const isUntrusted = (error: unknown): boolean => UNTRUSTED.test(reasonOf((error as { cause?: unknown }).cause ?? {}));

/** What helps where TLS fails; undefined where that is not the reason. */
const remedyFor = (reason: string, { host }: URL): string | undefined => {
  if (/^ERR_SSL|wrong version number|EPROTO/i.test(reason))
    return `Where ${host} speaks plain HTTP and that is meant, name it for the whole run: PINLANE_INSECURE_REGISTRY=${host}.`;
  if (UNTRUSTED.test(reason))
    return `Let Node trust the certificate's issuer (NODE_EXTRA_CA_CERTS); PINLANE_INSECURE_REGISTRY=${host} is for registries that speak plain HTTP.`;
  return undefined;
};

const reasonOf = (error: unknown): string => {
  const { cause, code, message } = error as { cause?: { code?: string; message?: string }; code?: string; message?: string };
  return cause?.code ?? cause?.message ?? code ?? message ?? 'unknown';
};

const broken = (message: Message, error: unknown, watchdog: Watchdog, signal: AbortSignal | undefined): Error => {
  const what = `${message.method} ${printable(message.url)}`;
  if (signal?.aborted) return new PinlaneError({ code: 'ERR_CANCELLED', message: `${what} was interrupted` });
  if (watchdog.barked) return new RegistryUnavailable(`${what}: nothing happened for ${watchdog.idleMs} ms`, { cause: error });
  const reason = reasonOf(error);
  return new RegistryUnavailable(`${what}: ${reason}`, { worthRetrying: !HOPELESS.test(reason), fix: remedyFor(reason, message.url), cause: error });
};

const bodyText = async (answer: Pick<Answer, 'body'>): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > ERROR_BODY_LIMIT) break;
  }
  return Buffer.concat(chunks).toString('utf8');
};

/** Takes a secret that we sent, and that a careless server may echo, out of its text: as it was sent, and a password also by itself. */
const withoutSecret = (text: string, { authorization = '' }: Message): string => {
  const [scheme, sent = ''] = authorization.split(' ');
  const password =
    scheme === 'Basic'
      ? Buffer.from(sent, 'base64')
          .toString('utf8')
          .replace(/^[^:]*:/, '')
      : '';
  return [sent, password].filter((secret) => secret !== '').reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
};

const answerOf = (message: Message, response: Incoming, watchdog: Watchdog, signal: AbortSignal | undefined): Answer => {
  const answer: Answer = {
    status: response.status,
    url: message.url,
    header: (name) => response.header(name),
    async *body() {
      try {
        for await (const chunk of response.body) {
          watchdog.pat();
          yield chunk;
        }
      } catch (error) {
        throw broken(message, error, watchdog, signal);
      } finally {
        watchdog.stop();
      }
    },
    async discard() {
      watchdog.stop();
      response.drop();
    },
    async failure(missing = 'ERR_REGISTRY_PROTOCOL') {
      // The status counts even where its body breaks off.
      const raw = withoutSecret(await bodyText(answer).catch(() => ''), message);
      const body = parseErrorBody(raw);
      const retryAfterMs = parseRetryAfter(response.header('retry-after'), Date.now()) ?? retryAfterIn(raw);
      const code = classify(response.status, body, missing, retryAfterMs !== undefined);
      const text = `${message.method} ${printable(message.url)}: ${response.status}${body.text === '' ? '' : ` ${body.text}`}`;
      return code === 'ERR_REGISTRY_UNAVAILABLE' ? new RegistryUnavailable(text, { retryAfterMs }) : new PinlaneError({ code, message: text });
    },
  };
  return answer;
};

/** Sends messages. */
export const createSend = ({ idleMs, signal }: SendOptions): Send => {
  const once = async (message: Message): Promise<Answer> => {
    const watchdog = createWatchdog(idleMs);
    let bodyFailure: { readonly error: unknown } | undefined;
    const watched = ({ size, open }: StreamedBody): StreamedBody => ({
      size,
      async *open() {
        try {
          for await (const chunk of open()) {
            watchdog.pat();
            yield chunk;
          }
        } catch (error) {
          bodyFailure = { error };
          throw error;
        }
      },
    });
    const { method, url, body, authorization } = message;
    const outgoing: Outgoing = {
      method,
      url,
      headers: {
        // Encoded bytes would have to be decoded before they are hashed, and a range of them means nothing.
        'accept-encoding': 'identity',
        'user-agent': 'pinlane',
        ...message.headers,
        ...(authorization === undefined ? {} : { authorization }),
        ...(body === undefined ? NO_BODY[method] : { 'content-length': String(body instanceof Uint8Array ? body.length : body.size) }),
      },
      signal: signal ? AbortSignal.any([signal, watchdog.signal]) : watchdog.signal,
      ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : watched(body) }),
    };
    try {
      const response = await exchange(outgoing);
      watchdog.pat();
      return answerOf(message, response, watchdog, signal);
    } catch (error) {
      watchdog.stop();
      if (bodyFailure) throw bodyFailure.error;
      throw isPinlaneError(error) ? error : broken(message, error, watchdog, signal);
    }
  };

  return async (first) => {
    let message = first;
    for (let hop = 0; hop <= HOPS_AT_MOST; hop++) {
      const answer = await once(message);
      if (!isRedirect(answer.status, message.method)) return answer;
      await answer.discard();
      message = redirected(message, answer.header('location'));
    }
    return fail('ERR_REGISTRY_PROTOCOL', `${printable(first.url)} leads to more than ${HOPS_AT_MOST} redirects`);
  };
};
