import { integer, malformed, numeric, text, unsafe } from './tar-fields.ts';
import { readParts, type Announced, type TarPart } from './tar-parts.ts';

/** One entry of a tar, names as they are written. */
export interface TarEntry {
  readonly name: string;
  /** Which entry of the tar it is, from 0. */
  readonly number: number;
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
  /** Its headers as they are written, for what is compared and for nothing else. */
  readonly written: Pick<TarPart & { readonly kind: 'entry' }, 'header' | 'announced'>;
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

const isNumeric = (header: Buffer, from: number): boolean => {
  try {
    numeric(header, from, 12);
    return true;
  } catch {
    return false;
  }
};

/** The beginning of a long name. GNU's form, whose magic ends with a blank, has times in its place; star's has them behind it. */
const prefixOf = (header: Buffer): string => {
  const magic = header.toString('latin1', 257, 263);
  if (magic === 'ustar\0') return text(header, 345, header.toString('latin1', 508, 512) === 'tar\0' ? 131 : 155);
  // Until Go 1.8, its writer put a prefix where that form has times; Go's reader still takes it (archive/tar, reader.go).
  return magic === 'ustar ' && !(isNumeric(header, 345) && isNumeric(header, 357)) ? text(header, 345, 155) : '';
};

/** The one value of the two that may be announced. @throws TarError if there are two, of which readers take this or that */
const onlyOne = (record: string | undefined, long: string, what: string): string | undefined => {
  if (record !== undefined && long !== '' && record !== long) unsafe(`has an entry with two ${what}`);
  const value = record ?? (long || undefined);
  return value?.includes('\0') ? malformed(`has a NUL byte in one of its ${what}`) : value;
};

const nameOf = (header: Buffer, { record, longName }: Announced): string => {
  const prefix = prefixOf(header);
  const short = text(header, 0, 100);
  return onlyOne(record('path'), longName, 'names') ?? (prefix === '' ? short : `${prefix}/${short}`);
};

/** A user or a group. One below zero is the 32-bit number that a kernel takes it for: -2 is 4294967294. */
const ownerOf = (record: string | undefined, header: Buffer, from: number): number => {
  const id = record === undefined ? numeric(header, from, 8) : integer(record);
  if (id >= 0) return id;
  return id >= -(2 ** 31) ? id + 2 ** 32 : malformed('has an owner that is no 32-bit number');
};

const entryOf = ({ header, flag, announced, size, body }: TarPart & { readonly kind: 'entry' }, number: number): TarEntry => {
  const { record, keys, longLink } = announced;
  if (keys.some((key) => key.startsWith('GNU.sparse.'))) unsafe('has a sparse file, which is not supported');
  const name = nameOf(header, announced);
  const type = TYPES.get(flag) ?? 'special';
  // Before there was a type for folders, the slash told them from files. Of what such a folder holds, some readers skip the bytes and some take them for entries.
  const isFolder = type === 'file' && name.endsWith('/');
  if (isFolder && size > 0) unsafe(`has an entry that is a folder by its name, ${JSON.stringify(name.slice(0, 200))}, and has content`);
  return {
    name,
    number,
    type: isFolder ? 'directory' : type,
    flag,
    mode: numeric(header, 100, 8) & 0o7777,
    uid: ownerOf(record('uid'), header, 108),
    gid: ownerOf(record('gid'), header, 116),
    size: type === 'file' ? size : 0,
    linkName: onlyOne(record('linkpath'), longLink, 'links') ?? text(header, 157, 100),
    attributes: keys.some((key) => key.startsWith('SCHILY.xattr.')),
    written: { header, announced },
    content: body.content(),
  };
};

/**
 * Reads a tar as a stream of entries; memory holds one header and one chunk. Every layer is read by this, whether it is listed or unpacked.
 * @throws ERR_LAYER_UNSAFE (a `TarError`)
 */
export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry, void, void> {
  let headers = 0;
  let entries = 0;
  for await (const part of readParts(chunks)) {
    if (part.kind !== 'end' && (headers += 1) > MOST_HEADERS) unsafe(`has more than ${MOST_HEADERS} entries`);
    if (part.kind === 'end') for await (const _ of part.rest);
    if (part.kind !== 'entry') continue;
    yield entryOf(part, entries++);
    for await (const _ of part.body.rest());
  }
}
