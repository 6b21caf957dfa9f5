import { PinlaneError } from '@pinlane/contracts';
import { decodeName } from './names.ts';
import { BLOCK } from './tar-header.ts';

/** The longest pax header or GNU name that is read, in bytes: it is held in memory. Go's archive/tar has the same limit. */
export const LONGEST_HEADER = 1024 * 1024;

/** Why a tar is refused. */
export class TarError extends PinlaneError {
  /** Completes a sentence about the tar: `ends in the middle of an entry`. */
  readonly why: string;
  /** Whether the bytes are no tar at all. */
  readonly malformed: boolean;

  constructor(why: string, malformed: boolean) {
    super({ code: 'ERR_LAYER_UNSAFE', message: `a layer's tar ${why}` });
    this.why = why;
    this.malformed = malformed;
  }
}

/** Refuses bytes that are no tar. @throws TarError */
export const malformed = (why: string): never => {
  throw new TarError(why, true);
};

/** Refuses a tar that asks for what is not given. @throws TarError */
export const unsafe = (why: string): never => {
  throw new TarError(why, false);
};

/** A field of text, up to its first zero; see `decodeName`. */
export const text = (header: Buffer, from: number, length: number): string => {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return decodeName(end === -1 ? field : field.subarray(0, end));
};

/** GNU's form of large and negative numbers: the first bit marks it, the others are a two's complement. */
const base256 = (field: Buffer): number => {
  const value = Number(BigInt.asIntN(field.length * 8 - 1, BigInt(`0x${field.toString('hex')}`)));
  return Number.isSafeInteger(value) ? value : malformed('has a number that is too large');
};

/** A number: octal, or GNU's base 256, which may be negative. @throws TarError */
export const numeric = (header: Buffer, from: number, length: number): number => {
  const field = header.subarray(from, from + length);
  if (field[0]! & 0x80) return base256(field);
  // Blanks and zeroes stand before the digits in old tars, and after them in all.
  const [, digits] = /^[\0 ]*([0-7]*) *(?:\0|$)/.exec(field.toString('latin1')) ?? [];
  if (digits === undefined) return malformed('has a header that is not a number where one is due');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
};

/** @throws TarError if a header's checksum is not that of its bytes */
export const checkSum = (header: Buffer): void => {
  let sum = 8 * 32;
  for (let at = 0; at < BLOCK; at += 1) if (at < 148 || at >= 156) sum += header[at]!;
  if (sum !== numeric(header, 148, 8)) malformed('has a header with a wrong checksum');
};

/** One record of a pax header, with its bytes: values may be binary. */
export interface PaxRecord {
  readonly key: string;
  readonly value: string;
  readonly bytes: Buffer;
}

/** The records of a pax header (pax, "Extended Header"), in their order. @throws TarError */
export const paxRecords = (body: Buffer): PaxRecord[] => {
  const records: PaxRecord[] = [];
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(32, at);
    const digits = space === -1 ? '' : body.toString('latin1', at, space);
    const length = /^\d+$/.test(digits) ? Number(digits) : 0;
    const record = body.subarray(space + 1, at + length);
    const equals = record.indexOf(61);
    if (length < 5 || at + length > body.length || equals < 1 || record.at(-1) !== 10) return malformed('has a malformed pax header');
    records.push({
      key: decodeName(record.subarray(0, equals)),
      value: decodeName(record.subarray(equals + 1, -1)),
      bytes: body.subarray(at, at + length),
    });
    at += length;
  }
  return records;
};

/** A whole number of a pax record. @throws TarError */
export const integer = (value: string): number => {
  const parsed = Number(value);
  return /^\d+$/.test(value) && Number.isSafeInteger(parsed) ? parsed : malformed('has a pax header with a malformed number');
};

/** How many bytes fill the last block of a content of `size` bytes. */
export const fillOf = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;
