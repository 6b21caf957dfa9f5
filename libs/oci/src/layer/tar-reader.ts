import { checkSum, fillOf, Intake, integer, LONGEST_HEADER, numeric, paxRecords, text, unsafe } from './tar-fields.ts';
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

const MOST_ENTRIES = 2_000_000;

const parsePax = (body: Buffer): Map<string, string> => new Map(paxRecords(body).map(({ key, value }) => [key, value]));

const TYPES: Readonly<Record<string, TarEntry['type']>> = { '0': 'file', '\0': 'file', '7': 'file', '1': 'hardlink', '2': 'symlink', '5': 'directory' };

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
        const fill = fillOf(announced);
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
      const fill = fillOf(carried);
      if (fill > 0) await intake.exactly(fill);
      pax = new Map();
      longName = longLink = undefined;
    }
  } finally {
    await intake.close();
  }
}
