import { fail, quoted } from '@pinlane/contracts';

type Env = Readonly<Record<string, string | undefined>>;

/** A repository at GitHub. */
export interface GitHubPlace {
  /** The address of the pages, without a slash at its end. */
  readonly server: string;
  /** The address of the API, without a slash at its end. */
  readonly api: string;
  readonly owner: string;
  readonly name: string;
}

const GITHUB = 'https://github.com';

/** The address of an API by that of the pages: github.com, a tenant of ghe.com, or GitHub Enterprise Server ("Getting started with the REST API"). */
const apiOf = ({ protocol, host }: URL): string => {
  if (host === 'github.com' || host.endsWith('.ghe.com')) return `${protocol}//api.${host}`;
  return `${protocol}//${host}/api/v3`;
};

const isOfThisMachine = ({ hostname }: URL): boolean => ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);

/** An address that a token may be sent to: by HTTPS, or to this machine. @throws ERR_OPTION_INVALID */
const safeAddress = (text: string, name: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    return fail('ERR_OPTION_INVALID', `${name} is ${quoted(text)}, which is no address of a server`);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isOfThisMachine(url))) return url;
  return fail('ERR_OPTION_INVALID', `${name} is ${quoted(text)}, and a token is sent by HTTPS alone`);
};

const plain = ({ origin, pathname }: URL): string => `${origin}${pathname.replace(/\/+$/, '')}`;

/**
 * Finds the repository at GitHub that a clone is of: by GITHUB_SERVER_URL, GITHUB_API_URL and GITHUB_REPOSITORY, as GitHub Actions sets them, else by the
 * address of the remote. A token is sent to no other server than github.com, unless one of these variables names it.
 * @param workspace host and path of the remote (`github.com/acme/pinlane`); null if it has none
 * @throws ERR_OPTION_INVALID
 */
export const githubPlace = (env: Env, workspace: string | null): GitHubPlace => {
  const server = safeAddress(env['GITHUB_SERVER_URL'] || GITHUB, 'GITHUB_SERVER_URL');
  const api = env['GITHUB_API_URL'] ? plain(safeAddress(env['GITHUB_API_URL'], 'GITHUB_API_URL')) : apiOf(server);
  const [host = '', ...path] = (workspace ?? '').replace(/^(?:www|ssh)\.github\.com\//, 'github.com/').split('/');
  const repository = env['GITHUB_REPOSITORY'] || (host === server.hostname ? path.join('/') : '');
  const [, owner, name] = /^([A-Za-z0-9][A-Za-z0-9-_]{0,99})\/((?!\.{1,2}$)[A-Za-z0-9._-]{1,100})$/.exec(repository) ?? [];
  if (owner !== undefined && name !== undefined) return { server: plain(server), api, owner, name };
  return fail(
    'ERR_OPTION_INVALID',
    repository === '' ? `the remote is ${quoted(workspace ?? 'no address')}, and no repository at ${plain(server)}` : `${quoted(repository)} is no repository`,
    { fix: 'Set GITHUB_REPOSITORY to owner/name; for a GitHub Enterprise Server also GITHUB_SERVER_URL.' },
  );
};
