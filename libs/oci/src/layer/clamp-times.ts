import { checkSum, fillOf, Intake, integer, LONGEST_HEADER, numeric, paxRecords, unsafe, type PaxRecord } from './tar-fields.ts';
import { BLOCK } from './tar-header.ts';

const TIMES = { mtime: 136, atime: 345, ctime: 357 } as const;
/** Links and folders may announce a size, and carry nothing. */
const CARRY_NOTHING = '125';
/** GNU's headers that carry a long name for the entry after them. */
const LONG_NAME = 'LK';
/** The first byte of a number below zero in base 256: a time before 1970, which is after no epoch. */
const NEGATIVE = 0xff;

const withCheckSum = (header: Buffer): Buffer => {
  header.write('        ', 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
};

const octal = (value: number): string => `${value.toString(8).padStart(11, '0')}\0`;

/** A header with a size of its own choice and its times no later than the epoch. */
const clamped = (header: Buffer, epoch: number, size?: number): Buffer => {
  const copy = Buffer.from(header);
  if (copy[TIMES.mtime] !== NEGATIVE && numeric(copy, TIMES.mtime, 12) > epoch) copy.write(octal(epoch), TIMES.mtime, 'latin1');
  // Where pax has zero and a version, GNU's own form has a blank, and two more times.
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

/** When a file was read or its entry changed says nothing that anybody wants; when it was written may stay where it is not after the epoch. */
const clampedRecords = (records: readonly PaxRecord[], epoch: number): Buffer =>
  Buffer.concat(
    records.flatMap(({ key, value, bytes }) => {
      if (key === 'atime' || key === 'ctime' || key === 'LIBARCHIVE.creationtime') return [];
      return [key === 'mtime' && !(Number(value) <= epoch) ? paxRecord('mtime', String(epoch)) : bytes];
    }),
  );

/**
 * The same tar with no time later than `epoch`, in seconds; everything else stays byte for byte, whiteouts, devices and attributes too. So two builds
 * of the same files give one layer (SOURCE_DATE_EPOCH, reproducible-builds.org). Memory holds one header and one chunk.
 * @throws ERR_LAYER_UNSAFE where it is no tar
 */
export async function* clampTimes(chunks: AsyncIterable<Uint8Array>, epoch: number): AsyncGenerator<Uint8Array, void, void> {
  const intake = new Intake(chunks);
  const exactly = async (size: number): Promise<Buffer> =>
    size === 0 ? Buffer.alloc(0) : ((await intake.exactly(size)) ?? unsafe('ends in the middle of an entry'));
  let paxSize: number | undefined;
  try {
    for (;;) {
      const header = await intake.exactly(BLOCK);
      if (header === undefined) return;
      if (header.every((byte) => byte === 0)) {
        yield header;
        for (let rest = await intake.some(BLOCK * 256); rest !== undefined; rest = await intake.some(BLOCK * 256)) yield rest;
        return;
      }
      checkSum(header);
      const flag = String.fromCharCode(header[156]!);
      const announced = numeric(header, 124, 12);
      if (flag === 'x' || flag === 'g') {
        if (announced > LONGEST_HEADER) unsafe(`has a header of ${announced} bytes`);
        const records = paxRecords(await exactly(announced));
        await exactly(fillOf(announced));
        const size = records.findLast(({ key }) => key === 'size');
        if (size) paxSize = integer(size.value);
        const body = clampedRecords(records, epoch);
        if (body.length > 0) yield Buffer.concat([clamped(header, epoch, body.length), body, Buffer.alloc(fillOf(body.length))]);
        continue;
      }
      if (flag === 'S') unsafe('has a sparse file, which is not supported');
      yield clamped(header, epoch);
      const named = LONG_NAME.includes(flag);
      const carried = CARRY_NOTHING.includes(flag) ? 0 : named ? announced : (paxSize ?? announced);
      if (!named) paxSize = undefined;
      for (let left = carried + fillOf(carried); left > 0;) {
        const part = (await intake.some(left)) ?? unsafe('ends in the middle of an entry');
        left -= part.length;
        yield part;
      }
    }
  } finally {
    await intake.close();
  }
}
