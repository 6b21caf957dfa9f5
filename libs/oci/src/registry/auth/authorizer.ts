import { fail, isPinlaneError } from '@pinlane/contracts';
import type { Endpoint } from '../http/endpoint.ts';
import type { Send } from '../http/message.ts';
import { parseChallenges } from './challenge.ts';
import { basicHeader, type Credentials, type CredentialSource } from './credentials.ts';
import { fetchToken, type Token } from './token.ts';

/** What a request may do to a repository; `push` includes `pull`. */
export type Access = 'pull' | 'push';

/** The token scope for a repository (distribution's token authentication, "Resource scope"). */
export const scopeOf = (path: string, access: Access): string => `repository:${path}:${access === 'push' ? 'pull,push' : 'pull'}`;

/** Joins the scopes of a challenge and the client's own, each once. The challenge's come first, because some token services read only the first scope. */
export const mergeScopes = (asked: string | undefined, own: readonly string[]): string[] => [
  ...new Set([...(asked?.split(' ').filter(Boolean) ?? []), ...own]),
];

/** Makes the Authorization header for the requests to one repository. */
export interface Authorizer {
  /** The header for a request; undefined until the registry asks for one. */
  header(access: Access): Promise<string | undefined>;
  /**
   * Learns from the WWW-Authenticate header of a 401; `used` is the Authorization that was refused.
   * @returns false if there is nothing else to try
   * @throws ERR_REGISTRY_AUTH
   */
  challenged(wwwAuthenticate: string | null, access: Access, used: string | undefined): Promise<boolean>;
}

/** Where a registry sends its clients for tokens. */
interface Bearer {
  readonly realm: string;
  readonly service: string | undefined;
}
type Scheme = { readonly kind: 'basic' } | ({ readonly kind: 'bearer' } & Bearer);

interface AuthorizerParts {
  readonly endpoint: Endpoint;
  readonly credentials: CredentialSource;
  readonly send: Send;
  /** Token scopes besides the repository's own, as for a mount from another repository. */
  readonly moreScopes?: readonly string[] | undefined;
}

/** A token is renewed this long before it ends, in ms. */
const MARGIN_MS = 5_000;

/** The tokens of one repository, one for each access. */
interface Tokens {
  /** The header with a token that is still good, fetched if there is none. */
  header(access: Access, bearer: Bearer): Promise<string>;
  /** Notes the scope that a challenge asks for. */
  ask(access: Access, scope: string): void;
  /** Forgets a token that was refused. */
  refused(access: Access, header: string): Promise<void>;
}

const createTokens = ({ endpoint, credentials, send, moreScopes = [] }: AuthorizerParts): Tokens => {
  const held = new Map<Access, { readonly header: Promise<string>; expires: number }>();
  const asked = new Map<Access, string>();

  const fetchFor = async (access: Access, { realm, service }: Bearer, own: Credentials | undefined): Promise<Token> => {
    const scopes = (more: readonly string[]) => mergeScopes(asked.get(access), [scopeOf(endpoint.path, access), ...more]);
    const fetch = (more: readonly string[]) => fetchToken(send, { realm, service, scopes: scopes(more), registry: endpoint.origin }, own);
    try {
      return await fetch(moreScopes);
    } catch (error) {
      // Some services refuse a request if one of its scopes can't be granted. The work is possible, if slower, without the further scopes.
      if (moreScopes.length === 0 || !isPinlaneError(error, 'ERR_REGISTRY_AUTH')) throw error;
      return fetch([]);
    }
  };

  return {
    header(access, bearer) {
      const known = held.get(access);
      if (known && known.expires > performance.now()) return known.header;
      const getHeader = async (): Promise<string> => {
        const own = await credentials(endpoint.credentialHost, endpoint.path);
        if (own?.kind === 'bearer') return `Bearer ${own.token}`;
        const token = await fetchFor(access, bearer, own);
        fresh.expires = performance.now() + Math.max(0, token.lifeMs - MARGIN_MS);
        return `Bearer ${token.value}`;
      };
      // The promise itself is held, so that requests which go out at the same time share one token.
      const fresh = { expires: Infinity, header: getHeader() };
      fresh.header.catch(() => held.get(access) === fresh && held.delete(access));
      held.set(access, fresh);
      return fresh.header;
    },
    ask: (access, scope) => void asked.set(access, scope),
    async refused(access, header) {
      const current = await held.get(access)?.header.catch(() => undefined);
      if (current === header) held.delete(access);
    },
  };
};

/** Makes the authorizer of one repository. Credentials are looked up when the registry first asks for some. */
export const createAuthorizer = (parts: AuthorizerParts): Authorizer => {
  const { endpoint, credentials } = parts;
  const find = (): Promise<Credentials | undefined> => credentials(endpoint.credentialHost, endpoint.path);
  const tokens = createTokens(parts);
  let scheme: Scheme | undefined;

  return {
    async header(access) {
      if (scheme === undefined) return undefined;
      if (scheme.kind === 'bearer') return tokens.header(access, scheme);
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
        if (scope !== undefined) tokens.ask(access, scope);
        if (used !== undefined) await tokens.refused(access, used);
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
