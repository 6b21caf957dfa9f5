import { fail, isPinlaneError } from '@pinlane/contracts';
import type { Endpoint } from '../endpoint.ts';
import type { Send } from '../send.ts';
import { parseChallenges } from './challenge.ts';
import { basicHeader, type Credentials, type CredentialSource } from './credentials.ts';
import { mergeScopes, scopeOf, type Access } from './scope.ts';
import { fetchToken } from './token.ts';

/** Knows what to put into Authorization for one repository. */
export interface Authorizer {
  /** The header for a request; undefined as long as the registry has not asked for any. */
  header(access: Access): Promise<string | undefined>;
  /** Takes note of a 401's WWW-Authenticate; `used` is the header that was refused. False: there is nothing else to try. @throws ERR_REGISTRY_AUTH */
  challenged(wwwAuthenticate: string | null, access: Access, used: string | undefined): Promise<boolean>;
}

interface Bearer {
  readonly realm: string;
  readonly service: string | undefined;
}
type Scheme = { readonly kind: 'basic' } | ({ readonly kind: 'bearer' } & Bearer);
type Held = { readonly header: Promise<string>; expires: number };

/** A token is renewed this long before it ends, in ms. */
const MARGIN_MS = 5_000;

export const createAuthorizer = (endpoint: Endpoint, credentials: CredentialSource, send: Send, moreScopes: readonly string[] = []): Authorizer => {
  const find = (): Promise<Credentials | undefined> => credentials(endpoint.credentialHost, endpoint.path);
  const held = new Map<Access, Held>();
  const asked = new Map<Access, string>();
  let scheme: Scheme | undefined;

  const bearerHeader = (access: Access, { realm, service }: Bearer): Promise<string> => {
    const known = held.get(access);
    if (known && known.expires > performance.now()) return known.header;
    const scopes = (more: readonly string[]) => mergeScopes(asked.get(access), [scopeOf(endpoint.path, access), ...more]);
    // Held from the start, so that requests that go out at the same time share one token.
    const fresh: Held = { expires: Infinity, header: getToken() };
    async function getToken(): Promise<string> {
      const own = await find();
      if (own?.kind === 'bearer') return `Bearer ${own.token}`;
      const ask = (more: readonly string[]) => fetchToken(send, { realm, service, scopes: scopes(more), registry: endpoint.origin }, own);
      const token = await ask(moreScopes).catch((error: unknown) => {
        // Some services refuse a whole request of which one scope can't be granted; what is beside our own is a mere convenience.
        if (moreScopes.length === 0 || !isPinlaneError(error, 'ERR_REGISTRY_AUTH')) throw error;
        return ask([]);
      });
      fresh.expires = performance.now() + Math.max(0, token.lifeMs - MARGIN_MS);
      return `Bearer ${token.value}`;
    }
    fresh.header.catch(() => held.get(access) === fresh && held.delete(access));
    held.set(access, fresh);
    return fresh.header;
  };

  return {
    async header(access) {
      if (scheme === undefined) return undefined;
      if (scheme.kind === 'bearer') return bearerHeader(access, scheme);
      const own = await find();
      return own?.kind === 'basic' ? basicHeader(own.username, own.password) : undefined;
    },

    async challenged(wwwAuthenticate, access, used) {
      const challenges = parseChallenges(wwwAuthenticate ?? '');
      const bearer = challenges.find((challenge) => challenge.scheme === 'bearer' && challenge.parameters['realm'] !== undefined);
      const basic = challenges.some((challenge) => challenge.scheme === 'basic');
      const own = await find();
      if (bearer) {
        const { realm, service, scope } = bearer.parameters;
        scheme = { kind: 'bearer', realm: realm!, service };
        if (scope !== undefined) asked.set(access, scope);
        const current = await held.get(access)?.header.catch(() => undefined);
        if (used !== undefined && current === used) held.delete(access);
        return own?.kind !== 'bearer' || used === undefined;
      }
      if (!basic) return fail('ERR_REGISTRY_AUTH', `${endpoint.origin} asks for an authentication that is neither Basic nor Bearer`);
      if (own === undefined) return false;
      if (own.kind !== 'basic') return fail('ERR_REGISTRY_AUTH', `${endpoint.origin} asks for a user name and password, and a token is configured`);
      scheme = { kind: 'basic' };
      return used === undefined;
    },
  };
};
