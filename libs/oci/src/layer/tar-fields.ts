import { fail } from '@pinlane/contracts';
import { BLOCK } from './tar-header.ts';

/** The longest pax header or GNU name that is read, in bytes: it is held in memory. */
export const LONGEST_HEADER = 1024 * 1024;

/** @throws ERR_LAYER_UNSAFE */
export const unsafe = (why: string): never => fail('ERR_LAYER_UNSAFE', `a layer's tar ${why}`);

/** Takes exact amounts from a stream of chunks. */
export class Intake {
  private readonly source: AsyncIterator<Uint8Array>;
  private chunk: Uint8Array = new Uint8Array();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.source = chunks[Symbol.asyncIterator]();
  }

  /** At most `most` bytes, at least one; undefined at the end. */
  async some(most: number): Promise<Uint8Array | undefined> {
    while (this.chunk.length === 0) {
      const next = await this.source.next();
      if (next.done) return undefined;
      this.chunk = next.value;
    }
    const taken = this.chunk.subarray(0, most);
    this.chunk = this.chunk.subarray(taken.length);
    return taken;
  }

  /** Exactly `size` bytes; undefined when the stream ends before the first. */
  async exactly(size: number): Promise<Buffer | undefined> {
    if (this.chunk.length >= size) return Buffer.from((await this.some(size))!);
    const parts: Uint8Array[] = [];
    for (let missing = size; missing > 0;) {
      const part = await this.some(missing);
      if (part === undefined) return parts.length === 0 ? undefined : unsafe('ends in the middle of an entry');
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** Lets the source go, so that files and streams behind it are closed. */
  async close(): Promise<void> {
    await this.source.return?.();
  }
}

/** A field of text, up to its first zero. */
export const text = (header: Buffer, from: number, length: number): string => {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? length : end);
};

/** A number: octal, or GNU's base 256. @throws ERR_LAYER_UNSAFE */
export const numeric = (header: Buffer, from: number, length: number): number => {
  const field = header.subarray(from, from + length);
  if (field[0]! & 0x80) {
    let value = BigInt(field[0]! & 0x7f);
    for (const byte of field.subarray(1)) value = value * 256n + BigInt(byte);
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : unsafe('has a number that is too large');
  }
  const digits = text(header, from, length).trim();
  if (digits === '') return 0;
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : unsafe('has a header that is not a number where one is due');
};

/** @throws ERR_LAYER_UNSAFE where a header's checksum is not that of its bytes */
export const checkSum = (header: Buffer): void => {
  let sum = 8 * 32;
  for (let at = 0; at < BLOCK; at += 1) if (at < 148 || at >= 156) sum += header[at]!;
  if (sum !== numeric(header, 148, 8)) unsafe('has a header with a wrong checksum');
};

/** One record of a pax header, with its bytes: values may be binary. */
export interface PaxRecord {
  readonly key: string;
  readonly value: string;
  readonly bytes: Buffer;
}

/** The records of a pax header (pax, "Extended Header"), in their order. @throws ERR_LAYER_UNSAFE */
export const paxRecords = (body: Buffer): PaxRecord[] => {
  const records: PaxRecord[] = [];
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(32, at);
    const length = space === -1 ? Number.NaN : Number(body.toString('latin1', at, space));
    const record = body.toString('utf8', space + 1, at + length);
    const equals = record.indexOf('=');
    if (!Number.isSafeInteger(length) || length < 5 || at + length > body.length || equals < 1 || !record.endsWith('\n'))
      return unsafe('has a malformed pax header');
    records.push({ key: record.slice(0, equals), value: record.slice(equals + 1, -1), bytes: body.subarray(at, at + length) });
    at += length;
  }
  return records;
};

/** A whole number of a pax record. @throws ERR_LAYER_UNSAFE */
export const integer = (value: string): number => {
  const parsed = Number(value);
  return /^\d+$/.test(value) && Number.isSafeInteger(parsed) ? parsed : unsafe('has a pax header with a malformed number');
};

/** How many bytes follow the content, up to a whole block. */
export const fillOf = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;
