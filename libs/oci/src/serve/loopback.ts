import { isIPv4 } from 'node:net';

const withoutPort = (host: string): string => (host.startsWith('[') ? host.slice(1).replace(/\].*$/, '') : host.replace(/:\d*$/, ''));

/** Whether a host is this machine itself: an address of its loopback, or a name that can mean nothing else (RFC 6761, section 6.3). */
export const isLoopback = (host: string): boolean => {
  const name = host.toLowerCase().replace(/\.$/, '');
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
};

/** The same for a Host header. */
export const isLoopbackHeader = (host: string): boolean => isLoopback(withoutPort(host));
