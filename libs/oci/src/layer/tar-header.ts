import type { FileEntry, LayerEntry } from './entry.ts';
import { encodeName } from './names.ts';

/** A tar is made of blocks of so many bytes. */
export const BLOCK = 512;

const TYPE_FLAGS = { file: '0', hardlink: '1', symlink: '2', directory: '5', pipe: '6' } as const;
const LARGEST_OCTAL_ID = 0o7777777;
const LARGEST_OCTAL_SIZE = 0o77777777777;

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

/** A path as ustar's name and prefix; undefined if it does not fit. */
const splitPath = (path: string): { name: string; prefix: string } | undefined => {
  if (!isAscii(path)) return undefined;
  if (path.length <= 100) return { name: path, prefix: '' };
  // The slash between them is in neither. A folder's last slash belongs to its name, so that is no place to split.
  for (let slash = path.indexOf('/'); slash !== -1 && slash <= 155; slash = path.indexOf('/', slash + 1)) {
    const rest = path.length - slash - 1;
    if (slash > 0 && rest > 0 && rest <= 100) return { name: path.slice(slash + 1), prefix: path.slice(0, slash) };
  }
  return undefined;
};

interface Fields {
  readonly name: string;
  readonly prefix: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly flag: string;
  readonly link: string;
}

const octal = (value: number, width: number): string => value.toString(8).padStart(width - 1, '0') + '\0';

const encodeHeader = ({ name, prefix, mode, uid, gid, size, flag, link }: Fields): Buffer => {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 100, 'utf8');
  header.write(octal(mode, 8), 100, 'latin1');
  header.write(octal(uid, 8), 108, 'latin1');
  header.write(octal(gid, 8), 116, 'latin1');
  header.write(octal(size, 12), 124, 'latin1');
  header.write(octal(0, 12), 136, 'latin1');
  header.write('        ', 148, 'latin1');
  header.write(flag, 156, 'latin1');
  header.write(link, 157, 100, 'utf8');
  header.write('ustar\x0000', 257, 'latin1');
  header.write(octal(0, 8), 329, 'latin1');
  header.write(octal(0, 8), 337, 'latin1');
  header.write(prefix, 345, 155, 'utf8');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
};

/** `<length> key=value\n`, the length being that of all of it (pax, "Extended Header"). */
const paxRecord = (key: string, value: string): Buffer => {
  const rest = encodeName(` ${key}=${value}\n`);
  let length = rest.length + String(rest.length).length;
  if (rest.length + String(length).length !== length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
};

/** Zeroes that fill the last block of `size` bytes. */
export const padding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);

const cut = (text: string): string =>
  encodeName(text)
    .subarray(0, 80)
    .toString('latin1')
    .replace(/[^\x21-\x7e]/g, '_');

/** What an entry's header says. */
export type EntryHead = Omit<FileEntry, 'sha256' | 'open'> | Exclude<LayerEntry, FileEntry>;

/** The blocks before an entry's content: a ustar header, and before it a pax header if something does not fit (POSIX.1-2001). */
export const encodeEntry = (entry: EntryHead): Buffer => {
  const path = entry.type === 'directory' ? `${entry.path}/` : entry.path;
  const link = entry.type === 'symlink' || entry.type === 'hardlink' ? entry.target : '';
  const size = entry.type === 'file' ? entry.size : 0;
  const split = splitPath(path);
  const linkFits = isAscii(link) && link.length <= 100;
  const body = Buffer.concat([
    ...(split ? [] : [paxRecord('path', path)]),
    ...(linkFits ? [] : [paxRecord('linkpath', link)]),
    ...(size > LARGEST_OCTAL_SIZE ? [paxRecord('size', String(size))] : []),
    ...(entry.uid > LARGEST_OCTAL_ID ? [paxRecord('uid', String(entry.uid))] : []),
    ...(entry.gid > LARGEST_OCTAL_ID ? [paxRecord('gid', String(entry.gid))] : []),
  ]);
  const header = encodeHeader({
    ...(split ?? { name: cut(path), prefix: '' }),
    mode: entry.mode,
    uid: entry.uid > LARGEST_OCTAL_ID ? 0 : entry.uid,
    gid: entry.gid > LARGEST_OCTAL_ID ? 0 : entry.gid,
    size: size > LARGEST_OCTAL_SIZE ? 0 : size,
    flag: TYPE_FLAGS[entry.type],
    link: linkFits ? link : cut(link),
  });
  if (body.length === 0) return header;
  const pax = encodeHeader({
    name: `PaxHeaders.0/${cut(path.replace(/\/$/, '').split('/').at(-1)!)}`,
    prefix: '',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: body.length,
    flag: 'x',
    link: '',
  });
  return Buffer.concat([pax, body, padding(body.length), header]);
};
