import { isIP } from 'node:net';
import { charSet } from '../patterns/char-set.ts';

const PROTOCOLS = ['', 'tcp', 'udp', 'sctp'];
const LARGEST_PORT = 65_535;

type Range = readonly [first: number, last: number];

/** Ports from one to another, both included. */
export interface PortRange {
  readonly protocol: string;
  readonly first: number;
  readonly last: number;
}

/** The ports of an image; those of the Dockerfile as a table for each protocol, since a range is many. They are shared, and not changed. */
export interface Ports {
  readonly inherited: readonly string[];
  readonly own: ReadonlyMap<string, Uint8Array>;
}

/** A table with the ports of some ranges added; each port is written once, however many ranges have it. */
const withRanges = (table: Uint8Array, ranges: readonly PortRange[]): Uint8Array => {
  const added = table.slice();
  for (const [first, last] of charSet(ranges.map(({ first, last }) => [first, last]))) added.fill(1, first, last + 1);
  return added;
};

/** Ports with others among them. */
export const withPorts = ({ inherited, own }: Ports, ranges: readonly PortRange[]): Ports => {
  const all = new Map(own);
  for (const protocol of new Set(ranges.map((range) => range.protocol)))
    all.set(
      protocol,
      withRanges(
        own.get(protocol) ?? new Uint8Array(LARGEST_PORT + 1),
        ranges.filter((range) => range.protocol === protocol),
      ),
    );
  return { inherited, own: all };
};

/** The ports of a table, which has few, by a search that passes over the others many at a time. */
function* portsIn(table: Uint8Array): Generator<number, void, void> {
  for (let port = table.indexOf(1); port !== -1; port = table.indexOf(1, port + 1)) yield port;
}

/** Ports as a config lists them: `80/tcp`. */
export const listPorts = ({ inherited, own }: Ports): Set<string> =>
  new Set([...inherited, ...[...own].flatMap(([protocol, table]) => [...portsIn(table)].map((port) => `${port}/${protocol}`))]);

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
 * Reads `80`, `80/udp` or `8000-8003/tcp`; undefined if it is no port. An address and ports of the host may stand before it, as in `127.0.0.1:8080:80`,
 * and say nothing to an image (BuildKit, dockerfile2llb/convert_expose.go).
 */
export const parsePorts = (text: string): PortRange | undefined => {
  const parts = text.split(':');
  const [ports = '', ...protocols] = parts.at(-1)!.split('/');
  const protocol = protocols.join('/').toLowerCase();
  const range = rangeOf(ports);
  const right = range && PROTOCOLS.includes(protocol) && isAddress(parts.slice(0, -2).join(':')) && fitsHost(parts.at(-2) ?? '', range);
  return right ? { protocol: protocol || 'tcp', first: range[0], last: range[1] } : undefined;
};
