import { fillOf, numeric, type PaxRecord } from './tar-fields.ts';
import { readParts } from './tar-parts.ts';

const TIMES = { mtime: 136, atime: 345, ctime: 357 } as const;

const withCheckSum = (header: Buffer): Buffer => {
  header.write('        ', 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
};

const octal = (value: number): string => `${value.toString(8).padStart(11, '0')}\0`;

/** A header whose times are no later than the epoch, with another size if one is given. */
const clamped = (header: Buffer, epoch: number, size?: number): Buffer => {
  const copy = Buffer.from(header);
  if (numeric(copy, TIMES.mtime, 12) > epoch) copy.write(octal(epoch), TIMES.mtime, 'latin1');
  // GNU's own form, whose magic ends with a blank, has two more times.
  if (copy.toString('latin1', 257, 263) === 'ustar ') copy.fill(0, TIMES.atime, TIMES.ctime + 12);
  if (size !== undefined) copy.write(octal(size), 124, 'latin1');
  return withCheckSum(copy);
};

const paxRecord = (key: string, value: string): Buffer => {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length += 1;
  return Buffer.from(`${length}${rest}`);
};

/** Records without the times at which a file was read or its entry changed, which nobody wants; the time at which it was written is clamped. */
const clampedRecords = (records: readonly PaxRecord[], epoch: number): Buffer =>
  Buffer.concat(
    records.flatMap(({ key, value, bytes }) => {
      if (key === 'atime' || key === 'ctime' || key === 'LIBARCHIVE.creationtime') return [];
      return [key === 'mtime' && !(Number(value) <= epoch) ? paxRecord('mtime', String(epoch)) : bytes];
    }),
  );

/** A pax header with clamped records; nothing if none is left. */
const clampedPax = (header: Buffer, records: readonly PaxRecord[], epoch: number): Buffer[] => {
  const body = clampedRecords(records, epoch);
  return body.length === 0 ? [] : [Buffer.concat([clamped(header, epoch, body.length), body, Buffer.alloc(fillOf(body.length))])];
};

/**
 * The same tar with no time later than `epoch`, in seconds; everything else stays byte for byte, whiteouts, devices and attributes too. So two builds
 * of the same files give one layer (SOURCE_DATE_EPOCH, reproducible-builds.org). Memory holds one header and one chunk.
 * @throws ERR_LAYER_UNSAFE if it is no tar
 */
export async function* clampTimes(chunks: AsyncIterable<Uint8Array>, epoch: number): AsyncGenerator<Uint8Array, void, void> {
  for await (const part of readParts(chunks)) {
    if (part.kind === 'pax') {
      yield* clampedPax(part.header, part.records, epoch);
    } else if (part.kind === 'long-name') {
      yield Buffer.concat([clamped(part.header, epoch), part.body]);
    } else if (part.kind === 'entry') {
      yield clamped(part.header, epoch);
      yield* part.body.rest();
    } else {
      yield part.header;
      yield* part.rest;
    }
  }
}
