import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { errorReply, jsonReply, type Reply } from './reply.ts';

/** How a registry asks for credentials. Without `username`, anybody may pull; with bearer, a token for that is given to anybody. */
export interface RegistryAuth {
  readonly scheme: 'basic' | 'bearer';
  readonly username?: string;
  readonly password?: string;
  /** An OAuth 2 refresh token that the token service takes in place of a password. */
  readonly identityToken?: string;
  /** The token service that the challenge names; the registry's own if absent. */
  readonly realm?: string;
  /** How many requests a token is good for; after them it is refused as expired. */
  readonly usesPerToken?: number;
}

const unauthorized = (challenge: string): Required<Reply> => errorReply(401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': challenge });

const repositoryOf = (path: string): string => /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(path)?.[1] ?? '';

/** What guards a registry, and its token service at `/token`. */
export const createGate = (auth: RegistryAuth | undefined) => {
  const tokens = new Map<string, { readonly scopes: string[]; uses: number }>();
  let issued = 0;

  const knows = (header: string | undefined): boolean =>
    auth?.username !== undefined && header === `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;

  const grant = (scopes: readonly string[], known: boolean): Required<Reply> => {
    const token = randomUUID();
    const granted = scopes
      .flatMap((scope) => scope.split(' '))
      .map((scope) => (known || auth?.username === undefined ? scope : scope.replace(/:pull,push$/, ':pull')));
    tokens.set(token, { scopes: granted, uses: 0 });
    issued++;
    return jsonReply(200, { token, expires_in: 300 });
  };

  /** Answers a request to the token service; undefined for any other request. */
  const token = (request: IncomingMessage, url: URL): Promise<Required<Reply>> | Required<Reply> | undefined => {
    if (auth?.scheme !== 'bearer' || url.pathname !== '/token') return undefined;
    if (request.method === 'POST')
      return request.toArray().then((chunks) => {
        const form = new URLSearchParams(Buffer.concat(chunks as Buffer[]).toString());
        const right = form.get('grant_type') === 'refresh_token' && form.get('refresh_token') === auth.identityToken;
        return right ? grant([form.get('scope') ?? ''], true) : jsonReply(401, { details: 'wrong refresh token' });
      });
    const { authorization } = request.headers;
    if (authorization !== undefined && !knows(authorization)) return jsonReply(401, { details: 'incorrect username or password' });
    return grant(url.searchParams.getAll('scope'), knows(authorization));
  };

  /** Refuses a request without the right credentials; undefined if it may pass. */
  const check = (request: IncomingMessage, url: URL): Required<Reply> | undefined => {
    if (auth === undefined) return undefined;
    const { authorization } = request.headers;
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (auth.scheme === 'basic') return knows(authorization) ? undefined : unauthorized('Basic realm="a registry, with a comma"');
    const held = tokens.get(authorization?.replace(/^Bearer /, '') ?? '');
    const repository = repositoryOf(url.pathname);
    const allowed = held?.scopes.some((scope) => scope === `repository:${repository}:pull,push` || (reads && scope === `repository:${repository}:pull`));
    if (held && allowed && ++held.uses <= (auth.usesPerToken ?? Infinity)) return undefined;
    const realm = auth.realm ?? `http://${request.headers.host}/token`;
    return unauthorized(`Bearer realm="${realm}",service="test",scope="repository:${repository}:${reads ? 'pull' : 'pull,push'}"`);
  };

  return { check, token, issued: () => issued };
};
