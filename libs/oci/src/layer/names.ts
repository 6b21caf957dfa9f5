import { isUtf8 } from 'node:buffer';

// Linux takes any bytes for a name, and some images have names that are no UTF-8. In a string, a byte that is part of no character stands as half of a
// surrogate pair, U+DC80 to U+DCFF, which no UTF-8 decodes to (as PEP 383 has it). So different names stay different, and each goes back to its own bytes.

const ESCAPE = 0xdc00;

/** How many bytes the first byte of a character announces; 1 for one that begins none. */
const announced = (byte: number): number => (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1);

/** A name or a link's target from its bytes; one in UTF-8 as it is. */
export const decodeName = (bytes: Uint8Array): string => {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isUtf8(all)) return all.toString('utf8');
  const parts: string[] = [];
  for (let at = 0; at < all.length;) {
    const byte = all[at]!;
    const length = announced(byte);
    const char = byte < 0x80 || length === 1 ? undefined : all.subarray(at, at + length);
    const isChar = char !== undefined && isUtf8(char);
    parts.push(isChar ? char.toString('utf8') : String.fromCharCode(byte < 0x80 ? byte : ESCAPE + byte));
    at += isChar ? char.length : 1;
  }
  return parts.join('');
};

const isPlain = (name: string): boolean => !/\p{Surrogate}/u.test(name);

const ESCAPED = /[\udc80-\udcff]/gu;

/** How long a name is, in bytes. Of half a surrogate pair Node counts three, those of the replacement character. */
export const nameLength = (name: string): number => Buffer.byteLength(name) - (isPlain(name) ? 0 : 2 * (name.match(ESCAPED)?.length ?? 0));

/** The bytes of a name from `decodeName`. */
export const encodeName = (name: string): Buffer => {
  if (isPlain(name)) return Buffer.from(name);
  const bytes = Buffer.allocUnsafe(nameLength(name));
  let [from, to] = [0, 0];
  for (const { index } of name.matchAll(ESCAPED)) {
    to += bytes.write(name.slice(from, index), to);
    to = bytes.writeUInt8(name.charCodeAt(index) - ESCAPE, to);
    from = index + 1;
  }
  bytes.write(name.slice(from), to);
  return bytes;
};

/** A path of such names for Node's functions, which write a string as UTF-8 whatever is in it. */
export const fsPath = (path: string): string | Buffer => (isPlain(path) ? path : encodeName(path));
