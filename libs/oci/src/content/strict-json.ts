import { fail } from '@pinlane/contracts';

/** How deep lists and objects may lie in each other; no document of an image needs a tenth of it. */
export const MOST_NESTING = 100;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const QUOTE = 34;
const BACKSLASH = 92;

/** An open list or object: where in it the scan is. */
interface Frame {
  /** The keys so far; undefined for a list. */
  readonly keys: Set<string> | undefined;
  key: string;
  index: number;
  /** Whether a key comes next. */
  awaitsKey: boolean;
}

const placeOf = (frames: readonly Frame[]): string => frames.map(({ keys, key, index }) => (keys ? key : String(index))).join('.');

/** Where the string that begins at a quotation mark ends: behind its other one. */
const endOfString = (text: string, start: number): number => {
  let at = start + 1;
  for (let code = text.charCodeAt(at); code !== QUOTE; code = text.charCodeAt(at)) at += code === BACKSLASH ? 2 : 1;
  return at + 1;
};

const NUMBER = /-?\d[\d.eE+-]*/y;

/** Whether all readers get the same number: no whole number is written as a fraction, as minus zero, or larger than a 64-bit float counts exactly. */
const isPlain = (literal: string): boolean => {
  const value = Number(literal);
  return Number.isInteger(value) ? Number.isSafeInteger(value) && /^(?:0|-?[1-9]\d*)$/.test(literal) : Number.isFinite(value);
};

/** Goes over a text that is known to be JSON, and tells `object` of what other readers take otherwise than JSON.parse: why, and where. */
const scan = (text: string, object: (why: string, place: string) => never): void => {
  const frames: Frame[] = [];

  /** Reads a string; without escapes it is what stands there. */
  const stringAt = (start: number, end: number): string => {
    const raw = text.slice(start + 1, end - 1);
    if (!raw.includes('\\')) return raw;
    const value = JSON.parse(text.slice(start, end)) as string;
    return !/\p{Surrogate}/u.test(value) ? value : object('a text has half of a surrogate pair', placeOf(frames));
  };

  const open = (keys: Set<string> | undefined): void => {
    if (frames.length >= MOST_NESTING) object(`it is nested deeper than ${MOST_NESTING} levels`, '');
    frames.push({ keys, key: '', index: 0, awaitsKey: keys !== undefined });
  };

  const takeString = (start: number): number => {
    const end = endOfString(text, start);
    const value = stringAt(start, end);
    const frame = frames.at(-1);
    if (frame?.keys && frame.awaitsKey) {
      frame.key = value;
      frame.awaitsKey = false;
      if (value === '__proto__') object('the key "__proto__" is one that readers in JavaScript lose', placeOf(frames.slice(0, -1)));
      if (frame.keys.has(value)) object(`the key ${JSON.stringify(value.slice(0, 100))} is repeated`, placeOf(frames));
      frame.keys.add(value);
    }
    return end;
  };

  const takeNumber = (start: number): number => {
    NUMBER.lastIndex = start;
    const [literal = ''] = NUMBER.exec(text) ?? [];
    if (!isPlain(literal)) object(`the number ${literal.slice(0, 40)} is not one that all readers take alike`, placeOf(frames));
    return start + literal.length;
  };

  const next = (at: number): number => {
    const char = text[at]!;
    const frame = frames.at(-1);
    if (char === '"') return takeString(at);
    if (char === '-' || (char >= '0' && char <= '9')) return takeNumber(at);
    if (char === '{') open(new Set());
    else if (char === '[') open(undefined);
    else if (char === '}' || char === ']') frames.pop();
    else if (char === ',' && frame) {
      frame.index += 1;
      frame.awaitsKey = frame.keys !== undefined;
    }
    return at + 1;
  };

  for (let at = 0; at < text.length;) at = next(at);
};

/** Whether a value holds no more than `scan` lets pass, as far as a value tells: its nesting, its keys and its whole numbers. */
const isHarmless = (value: unknown, depth = 0): boolean => {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= MOST_NESTING || Object.hasOwn(value, '__proto__')) return false;
  return Object.values(value).every((each) => isHarmless(each, depth + 1));
};

/**
 * Whether a text is what JSON.stringify makes of its value, as most documents of images are: no key is repeated in it and no number written in another way,
 * for that would be lost. Half of a surrogate pair would be written as an escape. This is seen in a third of the time of `scan`, which decides on all others.
 */
const isOwnText = (text: string, value: unknown): boolean => isHarmless(value) && !text.includes('\\u') && JSON.stringify(value) === text;

/**
 * Decodes JSON that has one meaning for all readers (RFC 8259, sections 4, 6 and 8): where a key is repeated, a text is no Unicode or a number is none that
 * every reader holds, JSON.parse takes one thing and Go's encoding/json another.
 * @throws ERR_MANIFEST_INVALID with what and where; `what` begins the message
 */
export const parseStrictJson = (what: () => string, bytes: Uint8Array): unknown => {
  const invalid = (why: string, cause?: unknown): never => fail('ERR_MANIFEST_INVALID', `${what()}: ${why}`, { cause });
  const decode = (): { text: string; value: unknown } => {
    try {
      const text = utf8.decode(bytes);
      return { text, value: JSON.parse(text) };
    } catch (cause) {
      return invalid('is not JSON in UTF-8', cause);
    }
  };
  const { text, value } = decode();
  if (!isOwnText(text, value)) scan(text, (why, place) => invalid(place === '' ? why : `${place.slice(0, 200)}: ${why}`));
  return value;
};
