import { checkSum, fillOf, integer, LONGEST_HEADER, malformed, numeric, paxRecords, text, unsafe, type PaxRecord } from './tar-fields.ts';
import { createIntake, type Intake } from './intake.ts';
import { BLOCK } from './tar-header.ts';

/** What the headers before an entry say about it. */
export interface Announced {
  /**
   * The value of a pax record, the entry's own or a global one; undefined if there is none. An empty value takes back what was said before
   * (pax, "Extended Header").
   */
  record(key: string): string | undefined;
  /** Of the entry's own pax records. */
  readonly keys: readonly string[];
  /** The path, if GNU has it in a header of its own because it is long; else empty. */
  readonly longName: string;
  /** The same for a link's target. */
  readonly longLink: string;
}

interface Headed {
  /** One block. */
  readonly header: Buffer;
  /** The type, one character. */
  readonly flag: string;
}

/** A tar as it is stored: headers, each with what follows it. */
export type TarPart =
  /** A pax header, of which `records` is the content. */
  | (Headed & { readonly kind: 'pax'; readonly records: readonly PaxRecord[] })
  /** GNU's header for a long name; `body` is the content, filled up to whole blocks. */
  | (Headed & { readonly kind: 'long-name'; readonly body: Buffer })
  /** A file, a folder, a link or the like; `size` is what it announces, in bytes. */
  | (Headed & { readonly kind: 'entry'; readonly announced: Announced; readonly size: number; readonly body: EntryBody })
  /** The blocks of zeroes after the last entry, two or the only one that is there. The `rest` has to be read too, because the hash of the tar is over all of it. */
  | { readonly kind: 'end'; readonly header: Buffer; readonly rest: AsyncIterable<Uint8Array> };

/** What follows an entry's header. It has to be read before the next part is asked for. */
export interface EntryBody {
  /** The content. */
  content(): AsyncGenerator<Uint8Array, void, void>;
  /** What is left of the content, and what fills its last block. */
  rest(): AsyncGenerator<Uint8Array, void, void>;
}

/** Links, devices, folders and pipes may announce a size, and carry nothing (archive/tar, isHeaderOnlyType). */
const CARRY_NOTHING = '123456';

const cutOff = (): never => malformed('ends in the middle of an entry');

const isZero = (block: Buffer): boolean => block.every((byte) => byte === 0);

/** Records that make an entry another one. For all that follow, some readers let them count, and Go's, which read images, do not. */
const forOneOnly = (key: string): boolean => ['path', 'linkpath', 'size'].includes(key) || /^(?:GNU\.sparse|SCHILY\.xattr)\./.test(key);

/** What was announced since the last entry, and globally. */
class Announcements {
  private readonly global = new Map<string, string>();
  private own = new Map<string, string>();
  private longName = '';
  private longLink = '';

  /** Takes in a pax header: `x` is about the next entry, `g` about all that follow. */
  addRecords(flag: string, records: readonly PaxRecord[]): void {
    if (flag === 'x') this.own = new Map(records.map(({ key, value }) => [key, value]));
    else
      for (const { key, value } of records) {
        if (forOneOnly(key)) unsafe(`has a record of ${key.slice(0, 50)} for all entries at once, which readers take differently`);
        this.global.set(key, value);
      }
  }

  /** Takes in GNU's header for a long name (`L`) or a long target of a link (`K`). */
  addName(flag: string, name: string): void {
    if (flag === 'L') this.longName = name;
    else this.longLink = name;
  }

  /** What is said about the entry that comes now; what was about this one alone is forgotten. */
  take(): Announced {
    const { own, global, longName, longLink } = this;
    this.own = new Map();
    this.longName = this.longLink = '';
    // The global ones may be many, and entries too, so they are not put together.
    const record = (key: string) => (own.has(key) ? own : global).get(key) || undefined;
    return { record, keys: [...own.keys()], longName, longLink };
  }
}

const bodyOf = (intake: Intake, size: number): EntryBody => {
  const fill = fillOf(size);
  let left = size + fill;
  async function* upTo(end: number): AsyncGenerator<Uint8Array, void, void> {
    while (left > end) {
      const part = await intake.some(left - end);
      // The last entry of some tars is not filled up.
      if (part === undefined) return left === fill ? undefined : cutOff();
      left -= part.length;
      yield part;
    }
  }
  return { content: () => upTo(fill), rest: () => upTo(0) };
};

/** The content of a header that is about others, filled up to whole blocks. */
const readAbout = async (intake: Intake, size: number): Promise<Buffer> => {
  if (size > LONGEST_HEADER) malformed(`has a header of ${size} bytes`);
  return size === 0 ? Buffer.alloc(0) : ((await intake.exactly(size + fillOf(size))) ?? cutOff());
};

/**
 * Takes a tar apart as a stream, header by header: ustar, pax, GNU's form and the one before them. Nothing is believed: checksums, lengths and
 * numbers are checked, and what is held in memory is bounded. Nothing else decides at which byte an entry begins and ends.
 * @throws TarError
 */
export async function* readParts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarPart, void, void> {
  const intake = createIntake(chunks, cutOff);
  const announcements = new Announcements();
  try {
    for (let header = await intake.exactly(BLOCK); header !== undefined; header = await intake.exactly(BLOCK)) {
      if (isZero(header)) {
        const second = (await intake.exactly(BLOCK)) ?? Buffer.alloc(0);
        // Some readers end at the first block of zeroes, and some refuse what follows it.
        if (!isZero(second)) malformed('goes on behind a block of zeroes');
        yield { kind: 'end', header: Buffer.concat([header, second]), rest: intake.rest() };
        return;
      }
      checkSum(header);
      const flag = String.fromCharCode(header[156]!);
      const size = numeric(header, 124, 12);
      if (size < 0) malformed('has an entry with a size below zero');
      if (flag === 'x' || flag === 'g') {
        const records = paxRecords((await readAbout(intake, size)).subarray(0, size));
        announcements.addRecords(flag, records);
        yield { kind: 'pax', header, flag, records };
      } else if (flag === 'L' || flag === 'K') {
        const body = await readAbout(intake, size);
        announcements.addName(flag, text(body, 0, size));
        yield { kind: 'long-name', header, flag, body };
      } else {
        if (flag === 'S') unsafe('has a sparse file, which is not supported');
        const announced = announcements.take();
        const record = announced.record('size');
        const actual = record === undefined ? size : integer(record);
        const body = bodyOf(intake, CARRY_NOTHING.includes(flag) ? 0 : actual);
        yield { kind: 'entry', header, flag, announced, size: actual, body };
      }
    }
  } finally {
    await intake.close();
  }
}
