/** A message as it was sent, by the numbers of its fields (Protocol Buffers, "Encoding"): for the few messages that are read by the thousand. */
export interface WireMessage {
  /** The value of a number, a truth value or an enumeration; undefined if it was not sent. @throws Error if it is something else */
  readonly number: (field: number) => number | undefined;
  /** The text of a field; empty if it was not sent. */
  readonly text: (field: number) => string;
  /** The texts of a repeated field. */
  readonly texts: (field: number) => string[];
  /** A message within it; undefined if it was not sent. */
  readonly message: (field: number) => WireMessage | undefined;
  readonly messages: (field: number) => WireMessage[];
}

const malformed = (): never => {
  throw new Error('these bytes are no message of Protocol Buffers');
};

type Value = number | Buffer;

/** The values of all fields, in the order in which they were sent. */
const valuesOf = (bytes: Buffer): Map<number, Value[]> => {
  const values = new Map<number, Value[]>();
  let at = 0;
  const take = (length: number): number => {
    const from = at;
    at += length;
    return at <= bytes.length ? from : malformed();
  };
  const varint = (): number => {
    let value = 0;
    for (let place = 0, factor = 1; place < 10; place++, factor *= 128) {
      const byte = bytes[take(1)] as number;
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
    return malformed();
  };
  const valueOf = (type: number): Value => {
    if (type === 0) return varint();
    if (type === 1) return bytes.readDoubleLE(take(8));
    if (type === 5) return bytes.readFloatLE(take(4));
    if (type !== 2) return malformed();
    const length = varint();
    const from = take(length);
    return bytes.subarray(from, from + length);
  };
  while (at < bytes.length) {
    const key = varint();
    const field = Math.floor(key / 8);
    const value = valueOf(key % 8);
    const before = values.get(field);
    if (before) before.push(value);
    else values.set(field, [value]);
  }
  return values;
};

/** Reads a message. Of fixed numbers those are right that are floating-point ones. @throws Error if it is none */
export const readMessage = (bytes: Buffer): WireMessage => {
  const values = valuesOf(bytes);
  const parts = (field: number): Buffer[] => (values.get(field) ?? []).map((value) => (typeof value === 'number' ? malformed() : value));
  const texts = (field: number): string[] => parts(field).map((part) => part.toString());
  return {
    number: (field) => {
      const value = values.get(field)?.at(-1);
      return typeof value === 'object' ? malformed() : value;
    },
    text: (field) => texts(field).at(-1) ?? '',
    texts,
    message: (field) => parts(field).slice(-1).map(readMessage)[0],
    messages: (field) => parts(field).map(readMessage),
  };
};

/** A message of one text. */
export const messageOfText = (field: number, text: string): Buffer => {
  const value = Buffer.from(text);
  const length: number[] = [];
  for (let rest = value.length; length.length === 0 || rest > 0; rest = Math.floor(rest / 128)) length.push((rest % 128) + (rest > 127 ? 128 : 0));
  return Buffer.concat([Buffer.from([field * 8 + 2, ...length]), value]);
};
