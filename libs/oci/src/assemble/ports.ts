import { isIP } from 'node:net';

const PROTOCOLS = ['', 'tcp', 'udp', 'sctp'];
const LARGEST_PORT = 65_535;

type Range = readonly [first: number, last: number];

const portOf = (text: string): number | undefined => {
  const port = /^(?:\+?\d+|-0+)$/.test(text) ? Math.abs(Number(text)) : Infinity;
  return port <= LARGEST_PORT ? port : undefined;
};

/** `80`, or `8000-8003`. */
const rangeOf = (text: string): Range | undefined => {
  const dash = text.indexOf('-', 1);
  const first = portOf(dash === -1 ? text : text.slice(0, dash));
  const last = dash === -1 ? first : portOf(text.slice(dash + 1));
  return first === undefined || last === undefined || last < first ? undefined : [first, last];
};

/** An address, a v6 one may be in brackets; none at all is right, too. */
const isAddress = (text: string): boolean => text === '' || (!text.includes('%') && isIP(/^\[(.*)\]$/.exec(text)?.[1] ?? text) !== 0);

/** Whether ports of the host can stand before those of the container: as many, or any number before a single one. */
const fitsHost = (host: string, [first, last]: Range): boolean => {
  if (host === '') return true;
  const range = rangeOf(host);
  return range !== undefined && (first === last || range[1] - range[0] === last - first);
};

/**
 * `80`, `80/udp` or `8000-8003/tcp` as a config lists ports, one by one; undefined if it is no port. An address and ports of the host may stand before it,
 * as in `127.0.0.1:8080:80`, and say nothing to an image (BuildKit, dockerfile2llb/convert_expose.go).
 */
export const parsePorts = (text: string): string[] | undefined => {
  const parts = text.split(':');
  const [ports = '', ...protocols] = parts.at(-1)!.split('/');
  const protocol = protocols.join('/').toLowerCase();
  const range = rangeOf(ports);
  const right = range && PROTOCOLS.includes(protocol) && isAddress(parts.slice(0, -2).join(':')) && fitsHost(parts.at(-2) ?? '', range);
  return right ? Array.from({ length: range[1] - range[0] + 1 }, (_, at) => `${range[0] + at}/${protocol || 'tcp'}`) : undefined;
};
