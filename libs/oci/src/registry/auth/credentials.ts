/** A user's credentials for a registry. */
export type Credentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** A refresh token, which a token service exchanges for access tokens (OAuth 2). */
  | { readonly kind: 'identity'; readonly token: string }
  /** A bearer token for the registry itself. */
  | { readonly kind: 'bearer'; readonly token: string };

/** Finds the credentials for a registry's host and a repository's path on it; undefined for anonymous access. */
export type CredentialSource = (host: string, path: string) => Promise<Credentials | undefined>;

/** A user name and a password; none without both, as in the token handler of distribution's client (registry/client/auth/session.go). */
export const basicOf = (username: string, password: string): Credentials | undefined =>
  username === '' || password === '' ? undefined : { kind: 'basic', username, password };

export const basicHeader = (username: string, password: string): string => `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** Asks a source once for each host and path, and remembers the answers. */
export const remembered = (source: CredentialSource): CredentialSource => {
  const answers = new Map<string, Promise<Credentials | undefined>>();
  return (host, path) => {
    const key = `${host}/${path}`;
    const known = answers.get(key) ?? source(host, path);
    answers.set(key, known);
    return known;
  };
};
