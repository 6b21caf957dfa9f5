import * as z from 'zod';
import { fail } from '@pinlane/contracts';
import { readAll } from '../../content/index.ts';
import { isLoopback, printable } from '../http/endpoint.ts';
import { RegistryUnavailable } from '../http/failure.ts';
import type { Message, Send } from '../http/message.ts';
import { basicHeader, type Credentials } from './credentials.ts';

// A service may leave out a field, or write it as null or an empty text.
const answerSchema = z.object({ token: z.string().nullish(), access_token: z.string().nullish(), expires_in: z.number().nullish() });

/** A token has to fit into a header: visible ASCII. */
const TOKEN = /^[\x21-\x7e]{1,65536}$/;
const ANSWER_LIMIT = 1024 * 1024;
const DEFAULT_LIFE_S = 60;
const CLIENT = 'pinlane';

export interface TokenRequest {
  /** The challenge's `realm`. */
  readonly realm: string;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  /** The registry's own origin; a token service there may use plain HTTP if the registry does. */
  readonly registry: string;
}

export interface Token {
  readonly value: string;
  readonly lifeMs: number;
}

/** The token service's address. Credentials are sent only to https, to this machine or to the registry's own origin. @throws ERR_REGISTRY_PROTOCOL */
export const realmOf = ({ realm, registry }: TokenRequest, credentials: Credentials | undefined): URL => {
  const url = URL.parse(realm);
  if (!url || !['https:', 'http:'].includes(url.protocol) || url.username !== '' || url.password !== '')
    return fail('ERR_REGISTRY_PROTOCOL', `${registry} names a token service that is not an address`);
  const safe = url.protocol === 'https:' || isLoopback(url.host) || url.origin === registry;
  if (credentials && !safe) return fail('ERR_REGISTRY_PROTOCOL', `${registry} asks for credentials to be sent in the clear to ${printable(url)}`);
  return url;
};

const byGet = (url: URL, { service, scopes }: TokenRequest, credentials: Credentials | undefined): Message => {
  const withQuery = new URL(url);
  if (service !== undefined) withQuery.searchParams.set('service', service);
  for (const scope of scopes) withQuery.searchParams.append('scope', scope);
  return {
    method: 'GET',
    url: withQuery,
    ...(credentials?.kind === 'basic' ? { authorization: basicHeader(credentials.username, credentials.password) } : {}),
  };
};

const byRefresh = (url: URL, { service, scopes }: TokenRequest, token: string): Message => {
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, client_id: CLIENT, scope: scopes.join(' ') });
  if (service !== undefined) form.set('service', service);
  return { method: 'POST', url, headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: Buffer.from(form.toString()), secretBody: true };
};

/**
 * Exchanges credentials, or asks anonymously, for a bearer token (distribution's token authentication; with an identity token its OAuth 2 form).
 * @throws ERR_REGISTRY_AUTH, ERR_REGISTRY_PROTOCOL, ERR_REGISTRY_UNAVAILABLE
 */
export const fetchToken = async (send: Send, request: TokenRequest, credentials: Credentials | undefined): Promise<Token> => {
  const url = realmOf(request, credentials);
  const answer = await send(credentials?.kind === 'identity' ? byRefresh(url, request, credentials.token) : byGet(url, request, credentials));
  if (answer.status !== 200) {
    const failure = await answer.failure();
    // The message leaves out the answer's text: the service was sent a secret, and may echo it in any form.
    const message = `the token service ${printable(url)} answered ${answer.status}${credentials ? '' : ' to a request without credentials'}`;
    if (failure instanceof RegistryUnavailable) throw new RegistryUnavailable(message, { retryAfterMs: failure.retryAfterMs });
    return fail('ERR_REGISTRY_AUTH', message);
  }
  const parsed = parseAnswer(await readAll(answer.body(), ANSWER_LIMIT, `the answer of ${printable(url)}`, 'ERR_REGISTRY_PROTOCOL'));
  const value = parsed?.token || parsed?.access_token || '';
  if (!TOKEN.test(value)) return fail('ERR_REGISTRY_PROTOCOL', `the token service ${printable(url)} answered without a token`);
  const life = parsed?.expires_in ?? 0;
  return { value, lifeMs: (life > 0 ? life : DEFAULT_LIFE_S) * 1000 };
};

const parseAnswer = (bytes: Uint8Array): z.infer<typeof answerSchema> | undefined => {
  try {
    return answerSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    return undefined;
  }
};
