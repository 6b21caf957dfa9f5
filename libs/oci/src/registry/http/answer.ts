import { PinlaneError, type ErrorCode } from '@pinlane/contracts';
import { brokenConnection } from './broken.ts';
import { printable } from './endpoint.ts';
import type { Incoming } from './exchange.ts';
import { classify, parseErrorBody, parseRetryAfter, RegistryUnavailable, retryAfterIn } from './failure.ts';
import type { Answer, Message } from './message.ts';
import type { Watchdog } from './watchdog.ts';

/** How much of an error's body is read, in bytes. */
const ERROR_BODY_LIMIT = 64 * 1024;

const bodyText = async (body: AsyncIterable<Uint8Array>): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > ERROR_BODY_LIMIT) break;
  }
  return Buffer.concat(chunks).toString('utf8');
};

/** Removes a secret that was sent, because a careless server may echo it: the header's value as a whole, and the password in it. */
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

/** Makes an error of an answer whose body is `raw`. `missing` is the code for status 404. */
const failureOf = (message: Message, response: Incoming, raw: string, missing: ErrorCode): PinlaneError => {
  const body = parseErrorBody(raw);
  const retryAfterMs = parseRetryAfter(response.header('retry-after'), Date.now()) ?? retryAfterIn(raw);
  const code = classify(response.status, body, missing, retryAfterMs !== undefined);
  const text = `${message.method} ${printable(message.url)}: ${response.status}${body.text === '' ? '' : ` ${body.text}`}`;
  return code === 'ERR_REGISTRY_UNAVAILABLE' ? new RegistryUnavailable(text, { retryAfterMs }) : new PinlaneError({ code, message: text });
};

/** An answer whose body is watched as it is read: see `createWatchdog`. */
export const answerOf = (message: Message, response: Incoming, watchdog: Watchdog, signal: AbortSignal | undefined): Answer => {
  async function* body(): AsyncGenerator<Uint8Array, void, void> {
    try {
      let asked = performance.now();
      for await (const chunk of response.body) {
        watchdog.came(chunk.length, performance.now() - asked);
        if (watchdog.barked) throw brokenConnection(message, undefined, watchdog, signal);
        yield chunk;
        asked = performance.now();
      }
    } catch (error) {
      if (error instanceof PinlaneError) throw error;
      throw brokenConnection(message, error, watchdog, signal);
    } finally {
      watchdog.stop();
    }
  }
  return {
    status: response.status,
    url: message.url,
    header: (name) => response.header(name),
    body,
    async discard() {
      watchdog.stop();
      response.drop();
    },
    async failure(missing = 'ERR_REGISTRY_PROTOCOL') {
      // If the body breaks off, the status alone has to tell.
      const raw = await bodyText(body()).catch(() => '');
      return failureOf(message, response, withoutSecret(raw, message), missing);
    },
  };
};
