import { encodeName } from '../../src/layer/names.ts';

/** The forms of a tar's headers: the old one, POSIX's, GNU's, and POSIX's with a pax header before it. */
export type TarForm = 'v7' | 'ustar' | 'gnu' | 'pax';

/** How a number is written in octal: with zeroes or blanks before it, and a zero byte or a blank behind it. */
export type NumberStyle = 'zeroes' | 'blanks' | 'blank-ended';

export interface RawEntry {
  readonly form: TarForm;
  /** A byte that is part of no character as `decodeName` has it. */
  readonly name: string;
  /** Of ustar, at most 155 bytes; a part of the name. */
  readonly prefix?: string;
  readonly flag: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly linkName?: string;
  readonly content?: Uint8Array;
  readonly style?: NumberStyle;
  /** Records of the pax header, beside those that the entry needs; a global header of them comes before if `global` is set. */
  readonly records?: Readonly<Record<string, string>>;
  readonly global?: Readonly<Record<string, string>>;
}

const BLOCK = 512;

const filled = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);

const OCTAL: Record<NumberStyle, (digits: string, width: number) => string> = {
  zeroes: (digits, width) => `${digits.padStart(width - 1, '0')}\0`,
  blanks: (digits, width) => `${digits.padStart(width - 2, ' ')} \0`,
  'blank-ended': (digits, width) => `${digits.padStart(width - 1, '0')} `,
};

const writeNumber = (header: Buffer, at: number, width: number, value: number, style: NumberStyle): void => {
  const digits = value.toString(8);
  if (value >= 0 && digits.length <= width - 2) return void header.write(OCTAL[style](digits, width), at, 'latin1');
  header.fill(value < 0 ? 0xff : 0, at, at + width);
  header.writeIntBE(value, at + width - 6, 6);
  header[at] = value < 0 ? 0xff : 0x80;
};

/** Sets a header's checksum, after whatever was changed in it. */
export const seal = (header: Buffer, at = 0): Buffer => {
  header.write('        ', at + 148, 'latin1');
  const sum = header.subarray(at, at + BLOCK).reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  return header;
};

const MAGIC: Record<TarForm, string> = { v7: '', ustar: 'ustar\x0000', gnu: 'ustar  \0', pax: 'ustar\x0000' };

const header = ({ form, name, prefix = '', flag, mode = 0o644, uid = 0, gid = 0, linkName = '', content, style = 'zeroes' }: RawEntry): Buffer => {
  const block = Buffer.alloc(BLOCK);
  encodeName(name).copy(block, 0, 0, 100);
  writeNumber(block, 100, 8, mode, style);
  writeNumber(block, 108, 8, uid, style);
  writeNumber(block, 116, 8, gid, style);
  writeNumber(block, 124, 12, content?.length ?? 0, style);
  writeNumber(block, 136, 12, 0, style);
  block.write(flag, 156, 'latin1');
  encodeName(linkName).copy(block, 157, 0, 100);
  block.write(MAGIC[form], 257, 'latin1');
  // GNU has the times of the last access and of the last change here.
  if (form === 'gnu') for (const at of [345, 357]) writeNumber(block, at, 12, 0o123, style);
  else block.write(prefix, 345, 155, 'utf8');
  return seal(block);
};

/** One record of a pax header: its length, counted with itself, then key and value. */
export const paxRecord = (key: string, value: string): Buffer => {
  const rest = encodeName(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length += 1;
  return Buffer.concat([Buffer.from(String(length)), rest]);
};

const about = (form: TarForm, flag: string, content: Uint8Array): Buffer => Buffer.concat([header({ form, name: 'about', flag, content }), filled(content)]);

const paxHeader = (flag: string, records: Readonly<Record<string, string>>): Buffer =>
  about('pax', flag, Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(key, value))));

const long = (text: string): boolean => Buffer.byteLength(text) > 100;

/** An entry as some program may have written it, byte by byte. */
export const rawEntry = (entry: RawEntry): Buffer => {
  const { form, name, uid = 0, gid = 0, linkName = '', content = new Uint8Array(), records, global } = entry;
  const before: Buffer[] = global ? [paxHeader('g', global)] : [];
  let written = entry;
  if (form === 'gnu') {
    if (long(name)) before.push(about('gnu', 'L', encodeName(`${name}\0`)));
    if (long(linkName)) before.push(about('gnu', 'K', encodeName(`${linkName}\0`)));
  }
  if (form === 'pax') {
    const own = { path: name, ...(linkName === '' ? {} : { linkpath: linkName }), size: String(content.length), uid: String(uid), gid: String(gid) };
    before.push(paxHeader('x', { ...own, ...records }));
    written = { ...entry, name: 'see the pax header', linkName: '', uid: 1, gid: 1 };
  }
  return Buffer.concat([...before, header(written), filled(content)]);
};

/** A whole tar. */
export const rawTar = (entries: readonly RawEntry[]): Buffer => Buffer.concat([...entries.map(rawEntry), Buffer.alloc(2 * BLOCK)]);
