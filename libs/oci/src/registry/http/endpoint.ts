import { fail, isStoreReference, type Repository } from '@pinlane/contracts';

/** Where a repository is reached, and the key of its credentials. */
export interface Endpoint {
  /** `https://ghcr.io`, without a trailing slash. */
  readonly origin: string;
  /** Where it is reached if it turns out to want TLS; only for a registry on this machine, unless it was said to speak plain HTTP. */
  readonly tlsOrigin?: string;
  /** The host as Docker's configuration names it. */
  readonly credentialHost: string;
  /** The repository's path on the registry. */
  readonly path: string;
}

const DOCKER_HUB = 'docker.io';

const nameOf = (host: string): string =>
  host
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();

/** Whether a host (with or without a port) is this machine: localhost and names below it, 127.0.0.0/8, ::1. */
export const isLoopback = (host: string): boolean => {
  const name = nameOf(host);
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(?:\.\d{1,3}){3}$/.test(name);
};

// Names below localhost are this machine (RFC 6761, section 6.3). Not every resolver knows that, so none is asked.
const addressOf = (host: string): string => (nameOf(host).endsWith('.localhost') ? host.replace(/^[^:]*/, 'localhost') : host);

/**
 * The endpoint of a repository. A registry on this machine is first tried by plain HTTP; any other is reached by HTTPS, unless `insecure` is set.
 * @throws ERR_REFERENCE_INVALID for the local store's name
 */
export const endpointOf = ({ host, path }: Repository, insecure = false): Endpoint => {
  if (isStoreReference({ host, path })) return fail('ERR_REFERENCE_INVALID', `${host}/${path} names the local store, which is not a registry`);
  if (host === DOCKER_HUB) return { origin: 'https://registry-1.docker.io', credentialHost: DOCKER_HUB, path };
  const [plain, tls] = [`http://${addressOf(host)}`, `https://${addressOf(host)}`];
  if (insecure) return { origin: plain, credentialHost: host, path };
  return isLoopback(host) ? { origin: plain, tlsOrigin: tls, credentialHost: host, path } : { origin: tls, credentialHost: host, path };
};

/** An address as messages show it: without credentials, and without the query, which may hold a signature. */
export const printable = (url: URL): string => `${url.origin}${url.pathname}`;
