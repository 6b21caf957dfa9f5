import { fail } from '@pinlane/contracts';
import { isLoopback, printable } from './endpoint.ts';
import type { Message } from './message.ts';

const KEEPS_METHOD = [307, 308];
const REDIRECTS = [301, 302, 303, ...KEEPS_METHOD];

/** Whether an answer is a redirect to follow. Requests that read follow every kind, others only the kinds that keep the method. */
export const isRedirect = (status: number, method: string): boolean => (method === 'GET' || method === 'HEAD' ? REDIRECTS : KEEPS_METHOD).includes(status);

/**
 * The address in a Location header. It may lead from https to plain http only on this machine.
 * @throws ERR_REGISTRY_PROTOCOL
 */
export const locationOf = (location: string | null, from: URL): URL => {
  const url = location === null ? null : URL.parse(location, from.href);
  if (!url || !['http:', 'https:'].includes(url.protocol))
    return fail('ERR_REGISTRY_PROTOCOL', `${printable(from)} answered without a Location that is an address`);
  if (from.protocol === 'https:' && url.protocol === 'http:' && !isLoopback(url.host))
    return fail('ERR_REGISTRY_PROTOCOL', `${printable(from)} leads to plain http, ${printable(url)}`, {
      fix: 'Where the registry stands behind a proxy, let it know of https (X-Forwarded-Proto).',
    });
  return url;
};

/**
 * The message to send after a redirect. If the origin changes, Authorization is left out, and a body with a secret is not sent.
 * @throws ERR_REGISTRY_PROTOCOL
 */
export const redirected = (message: Message, location: string | null): Message => {
  const url = locationOf(location, message.url);
  if (url.origin === message.url.origin) return { ...message, url };
  if (message.secretBody) return fail('ERR_REGISTRY_PROTOCOL', `${printable(message.url)} was sent credentials and leads on to ${url.origin}`);
  const { authorization: _, ...rest } = message;
  return { ...rest, url };
};
