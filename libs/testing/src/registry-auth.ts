import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** How the registry asks who one is. Without `username` anybody may pull, and with bearer everybody gets a token for it. */
export interface RegistryAuth {
  readonly scheme: 'basic' | 'bearer';
  readonly username?: string;
  readonly password?: string;
  /** An OAuth 2 refresh token that is taken in place of a password. */
  readonly identityToken?: string;
  /** Another token service than its own, as in the challenge's realm. */
  readonly realm?: string;
  /** How many uses a token is good for; then it is refused as expired. */
  readonly usesPerToken?: number;
}

interface Refusal {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

const json = (status: number, value: unknown, headers: Record<string, string> = {}): Refusal => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.from(JSON.stringify(value)),
});

const unauthorized = (challenge: string): Refusal =>
  json(401, { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }, { 'www-authenticate': challenge });

const repositoryOf = (path: string): string => /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(path)?.[1] ?? '';

/** Guards a registry, and is its token service at `/token`. */
export const createGate = (auth: RegistryAuth | undefined) => {
  const tokens = new Map<string, { readonly scopes: string[]; uses: number }>();
  let issued = 0;

  const knows = (header: string | undefined): boolean =>
    auth?.username !== undefined && header === `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;

  const grant = (scopes: readonly string[], known: boolean): Refusal => {
    const token = randomUUID();
    const granted = scopes
      .flatMap((scope) => scope.split(' '))
      .map((scope) => (known || auth?.username === undefined ? scope : scope.replace(/:pull,push$/, ':pull')));
    tokens.set(token, { scopes: granted, uses: 0 });
    issued++;
    return json(200, { token, expires_in: 300 });
  };

  const token = (request: IncomingMessage, url: URL): Promise<Refusal> | Refusal | undefined => {
    if (auth?.scheme !== 'bearer' || url.pathname !== '/token') return undefined;
    if (request.method === 'POST')
      return request.toArray().then((chunks) => {
        const form = new URLSearchParams(Buffer.concat(chunks as Buffer[]).toString());
        const right = form.get('grant_type') === 'refresh_token' && form.get('refresh_token') === auth.identityToken;
        return right ? grant([form.get('scope') ?? ''], true) : json(401, { details: 'wrong refresh token' });
      });
    const { authorization } = request.headers;
    if (authorization !== undefined && !knows(authorization)) return json(401, { details: 'incorrect username or password' });
    return grant(url.searchParams.getAll('scope'), knows(authorization));
  };

  const check = (request: IncomingMessage, url: URL): Refusal | undefined => {
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
