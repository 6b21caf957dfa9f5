type Env = Readonly<Record<string, string | undefined>>;

/** What the clients of Modal may see of an environment: where programs and certificates are, proxies, and the account. Nothing that names a secret of a processor. */
const KEPT = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR', 'SYSTEMROOT'],
  ...[
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
    'REQUESTS_CA_BUNDLE',
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'ALL_PROXY',
    'NO_PROXY',
    'http_proxy',
    'https_proxy',
    'all_proxy',
    'no_proxy',
  ],
  ...['MODAL_TOKEN_ID', 'MODAL_TOKEN_SECRET', 'MODAL_PROFILE', 'MODAL_CONFIG_PATH', 'MODAL_SERVER_URL', 'MODAL_DISABLE_API_PROXY'],
  ...['MODAL_OAUTH_REFRESH_TOKEN', 'MODAL_OAUTH_CLIENT_ID', 'MODAL_OAUTH_CLIENT_SECRET', 'MODAL_OAUTH_JWT_KEY'],
];

const isLoopback = (url: string | undefined): boolean => URL.canParse(url ?? '') && ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url!).hostname);

/** Both clients would send what goes to loopback to a proxy. */
const withoutProxy = (env: Env): Record<string, string> => {
  if (!isLoopback(env['MODAL_SERVER_URL'])) return {};
  const hosts = [...new Set([...(env['NO_PROXY'] ?? env['no_proxy'] ?? '').split(',').filter(Boolean), '127.0.0.1', 'localhost'])].join(',');
  return { NO_PROXY: hosts, no_proxy: hosts, MODAL_DISABLE_API_PROXY: '1' };
};

/**
 * The environment of a client of Modal: an allowlist of the caller's, and the Modal environment, which is never left to a default.
 * Variables that would change what is built or deployed (MODAL_FORCE_BUILD, MODAL_IMAGE_BUILDER_VERSION) are not among it.
 */
export const clientEnvironment = (env: Env, environment: string): Record<string, string> => ({
  ...Object.fromEntries(KEPT.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
  ...withoutProxy(env),
  MODAL_ENVIRONMENT: environment,
});

/** Whether a client with such an environment may go through a proxy. */
export const isProxied = (env: Env): boolean =>
  !isLoopback(env['MODAL_SERVER_URL']) && Object.keys(env).some((name) => /^(?:https?|all|grpc)_proxy$/i.test(name) && env[name] !== '');

/** The values of a client's environment that may be in no message. */
export const secretsOf = (env: Env): string[] =>
  ['MODAL_TOKEN_SECRET', 'MODAL_OAUTH_REFRESH_TOKEN', 'MODAL_OAUTH_CLIENT_SECRET', 'MODAL_OAUTH_JWT_KEY'].flatMap((name) => env[name] ?? []);
