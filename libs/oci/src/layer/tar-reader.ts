import { fail } from '@pinlane/contracts';
import { BLOCK } from './tar-header.ts';

/** One entry of a tar, names as they are written. */
export interface TarEntry {
  readonly name: string;
  readonly type: 'file' | 'hardlink' | 'symlink' | 'directory' | 'special';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** In bytes; of a file alone. */
  readonly size: number;
  /** Of a link. */
  readonly linkName: string;
  /** Whether it carries extended attributes. */
  readonly attributes: boolean;
  /** The content, to be read before the next entry is asked for; what is left of it is skipped. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** The longest pax header or GNU name that is read, in bytes: it is held in memory. */
const LONGEST_HEADER = 1024 * 1024;
const MOST_ENTRIES = 2_000_000;

const unsafe = (why: string): never => fail('ERR_LAYER_UNSAFE', `a layer's tar ${why}`);

/** Takes exact amounts from a stream of chunks. */
class Intake {
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

const text = (header: Buffer, from: number, length: number): string => {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? length : end);
};

/** Octal, or GNU's base 256. */
const numeric = (header: Buffer, from: number, length: number): number => {
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

const checkSum = (header: Buffer): void => {
  let sum = 8 * 32;
  for (let at = 0; at < BLOCK; at += 1) if (at < 148 || at >= 156) sum += header[at]!;
  if (sum !== numeric(header, 148, 8)) unsafe('has a header with a wrong checksum');
};

const parsePax = (body: Buffer): Map<string, string> => {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(32, at);
    const length = space === -1 ? Number.NaN : Number(body.toString('latin1', at, space));
    const record = body.toString('utf8', space + 1, at + length);
    const equals = record.indexOf('=');
    if (!Number.isSafeInteger(length) || length < 5 || at + length > body.length || equals < 1 || !record.endsWith('\n'))
      return unsafe('has a malformed pax header');
    records.set(record.slice(0, equals), record.slice(equals + 1, -1));
    at += length;
  }
  return records;
};

const TYPES: Readonly<Record<string, TarEntry['type']>> = { '0': 'file', '\0': 'file', '7': 'file', '1': 'hardlink', '2': 'symlink', '5': 'directory' };

const integer = (value: string): number => {
  const parsed = Number(value);
  return /^\d+$/.test(value) && Number.isSafeInteger(parsed) ? parsed : unsafe('has a pax header with a malformed number');
};

/**
 * Reads a tar (ustar, pax and GNU's long names) as a stream. Nothing is believed: checksums, lengths and numbers are checked, and what has to be
 * held in memory is bounded.
 * @throws ERR_LAYER_UNSAFE
 */
export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void, void> {
  const intake = new Intake(chunks);
  let global = new Map<string, string>();
  let pax = new Map<string, string>();
  let longName: string | undefined;
  let longLink: string | undefined;
  let count = 0;
  try {
    for (;;) {
      const header = await intake.exactly(BLOCK);
      if (header === undefined) return;
      if (header.every((byte) => byte === 0)) {
        // The end; what follows is padding, which has to be read to its end so that the stream's hash is whole.
        while ((await intake.some(BLOCK * 256)) !== undefined);
        return;
      }
      if ((count += 1) > MOST_ENTRIES) unsafe(`has more than ${MOST_ENTRIES} entries`);
      checkSum(header);
      const flag = String.fromCharCode(header[156]!);
      const announced = numeric(header, 124, 12);
      if ('xgLK'.includes(flag)) {
        if (announced > LONGEST_HEADER) unsafe(`has a header of ${announced} bytes`);
        const body = announced === 0 ? Buffer.alloc(0) : ((await intake.exactly(announced)) ?? unsafe('ends in the middle of an entry'));
        const fill = (BLOCK - (announced % BLOCK)) % BLOCK;
        if (fill > 0) await intake.exactly(fill);
        if (flag === 'x') pax = parsePax(body);
        else if (flag === 'g') global = new Map([...global, ...parsePax(body)]);
        else if (flag === 'L') longName = text(body, 0, body.length);
        else longLink = text(body, 0, body.length);
        continue;
      }
      const records = new Map([...global, ...pax]);
      if ([...records.keys()].some((key) => key.startsWith('GNU.sparse.')) || flag === 'S') unsafe('has a sparse file, which is not supported');
      const ustar = header.toString('latin1', 257, 262) === 'ustar';
      // GNU's own form has times where ustar has the prefix.
      const prefix = ustar && header[262] === 0 ? text(header, 345, 155) : '';
      const short = text(header, 0, 100);
      const name = records.get('path') ?? longName ?? (prefix === '' ? short : `${prefix}/${short}`);
      const type = TYPES[flag] ?? 'special';
      const size = records.has('size') ? integer(records.get('size')!) : announced;
      // Links may announce the size of what they point to, and carry nothing; other kinds carry what they announce.
      const carried = type === 'hardlink' || type === 'symlink' || type === 'directory' ? 0 : size;
      const state = { left: carried };
      async function* content(): AsyncGenerator<Uint8Array, void, void> {
        while (state.left > 0) {
          const part = (await intake.some(state.left)) ?? unsafe('ends in the middle of an entry');
          state.left -= part.length;
          yield part;
        }
      }
      yield {
        name,
        type: type === 'file' && name.endsWith('/') ? 'directory' : type,
        mode: numeric(header, 100, 8) & 0o7777,
        uid: records.has('uid') ? integer(records.get('uid')!) : numeric(header, 108, 8),
        gid: records.has('gid') ? integer(records.get('gid')!) : numeric(header, 116, 8),
        size: type === 'file' ? size : 0,
        linkName: records.get('linkpath') ?? longLink ?? text(header, 157, 100),
        attributes: [...records.keys()].some((key) => key.startsWith('SCHILY.xattr.')),
        content: content(),
      };
      for await (const _ of content());
      const fill = (BLOCK - (carried % BLOCK)) % BLOCK;
      if (fill > 0) await intake.exactly(fill);
      pax = new Map();
      longName = longLink = undefined;
    }
  } finally {
    await intake.close();
  }
}
