import { integer, malformed, numeric, text, unsafe } from './tar-fields.ts';
import { readParts, type Announced, type TarPart } from './tar-parts.ts';

/** One entry of a tar, names as they are written. */
export interface TarEntry {
  readonly name: string;
  /** `special` is a device, a pipe, or of a type that no standard names: see `flag`. */
  readonly type: 'file' | 'hardlink' | 'symlink' | 'directory' | 'special';
  /** The type as the tar has it, one character. */
  readonly flag: string;
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

/** Headers of all kinds that a tar may have. */
const MOST_HEADERS = 2_000_000;

const TYPES: ReadonlyMap<string, TarEntry['type']> = new Map([
  ['0', 'file'],
  ['\0', 'file'],
  ['7', 'file'],
  ['1', 'hardlink'],
  ['2', 'symlink'],
  ['5', 'directory'],
]);

const nameOf = (header: Buffer, { record, longName }: Announced): string => {
  // Only ustar has the prefix; GNU's form, whose magic ends with a blank, has times in its place.
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? text(header, 345, 155) : '';
  const short = text(header, 0, 100);
  return record('path') ?? (longName || (prefix === '' ? short : `${prefix}/${short}`));
};

/** A user or a group. One below zero is the 32-bit number that a kernel takes it for: -2 is 4294967294. */
const ownerOf = (record: string | undefined, header: Buffer, from: number): number => {
  const id = record === undefined ? numeric(header, from, 8) : integer(record);
  if (id >= 0) return id;
  return id >= -(2 ** 31) ? id + 2 ** 32 : malformed('has an owner that is no 32-bit number');
};

const entryOf = ({ header, flag, announced, size, body }: TarPart & { readonly kind: 'entry' }): TarEntry => {
  const { record, keys, longLink } = announced;
  if (keys.some((key) => key.startsWith('GNU.sparse.'))) unsafe('has a sparse file, which is not supported');
  const name = nameOf(header, announced);
  const type = TYPES.get(flag) ?? 'special';
  return {
    name,
    // Before there was a type for folders, the slash told them from files.
    type: type === 'file' && name.endsWith('/') ? 'directory' : type,
    flag,
    mode: numeric(header, 100, 8) & 0o7777,
    uid: ownerOf(record('uid'), header, 108),
    gid: ownerOf(record('gid'), header, 116),
    size: type === 'file' ? size : 0,
    linkName: record('linkpath') ?? (longLink || text(header, 157, 100)),
    attributes: keys.some((key) => key.startsWith('SCHILY.xattr.')),
    content: body.content(),
  };
};

/**
 * Reads a tar as a stream of entries; memory holds one header and one chunk. Every layer is read by this, whether it is listed or unpacked.
 * @throws ERR_LAYER_UNSAFE (a `TarError`)
 */
export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void, void> {
  let headers = 0;
  for await (const part of readParts(chunks)) {
    if (part.kind !== 'end' && (headers += 1) > MOST_HEADERS) unsafe(`has more than ${MOST_HEADERS} entries`);
    if (part.kind === 'end') for await (const _ of part.rest);
    if (part.kind !== 'entry') continue;
    yield entryOf(part);
    for await (const _ of part.body.rest());
  }
}
