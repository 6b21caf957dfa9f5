import { isSpace, trimSpace, trimStart } from '../patterns/space.ts';

/** Why a line is not a valid instruction. */
export class InstructionError extends Error {}

/** Splits at white space, which is ASCII's alone; a quote is a character like any other. So Docker reads COPY, ADD, EXPOSE and VOLUME. */
export const plainWords = (text: string): string[] => text.split(/[\t\v\f\r ]+/).filter(Boolean);

/** Splits at any white space outside of quotes; quotes and escapes stay in the words. So Docker reads ENV, LABEL and ARG. */
export const quotedWords = (text: string, escape: string): string[] => {
  const words: string[] = [];
  let [word, quote] = ['', ''];
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]!;
    if (quote === '' && isSpace(char)) {
      if (word !== '') words.push(word);
      word = '';
    } else if (char === escape && quote !== "'") {
      // One at the end escapes nothing, and is dropped.
      if (at + 1 < text.length) word += char + text[at + 1]!;
      at += 1;
    } else {
      if (quote === '' && (char === '"' || char === "'")) quote = char;
      else if (char === quote) quote = '';
      word += char;
    }
  }
  if (word !== '') words.push(word);
  return words;
};

export interface Flagged {
  /** By name; of a flag that is given several times, the last value. */
  readonly flags: ReadonlyMap<string, string | undefined>;
  /** All values of a flag. */
  readonly values: (name: string) => readonly string[];
  /** Names of flags that are given several times. */
  readonly repeated: readonly string[];
  readonly rest: string;
}

/** Where white space that starts at a place ends. */
const behindSpace = (text: string, from: number): number => {
  let at = from;
  while (at < text.length && /[\t\n\v\f\r ]/.test(text[at]!)) at += 1;
  return at;
};

/** The word at a place, without its quotes and escapes, and where it ends. */
const flagWord = (text: string, from: number, escape: string): { readonly word: string; readonly end: number } => {
  let [word, quote, at] = ['', '', from];
  for (; at < text.length; at += 1) {
    const char = text[at]!;
    if (quote === '' && /[\t\n\v\f\r ]/.test(char)) break;
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === escape) word += text[(at += 1)] ?? '';
    else word += char;
  }
  return { word, end: Math.min(at, text.length) };
};

/** Takes `--name` and `--name=value` from the front, up to the first word that is none, or behind `--`. */
export const takeFlags = (text: string, escape: string): Flagged => {
  const flags = new Map<string, string | undefined>();
  const given: [name: string, value: string | undefined][] = [];
  const repeated: string[] = [];
  let at = behindSpace(text, 0);
  while (text.startsWith('--', at)) {
    const { word, end } = flagWord(text, at, escape);
    at = behindSpace(text, end);
    if (word === '--') break;
    const [, name, value] = /^--([^=]*)(?:=([^]*))?$/.exec(word)!;
    if (flags.has(name!)) repeated.push(name!);
    flags.set(name!, value);
    given.push([name!, value]);
  }
  const values = (name: string): string[] => given.flatMap(([each, value]) => (each === name && value !== undefined ? [value] : []));
  return { flags, values, repeated, rest: trimSpace(text.slice(at)) };
};

/** What a text is in JSON, if that is an array. */
const jsonArray = (text: string): readonly unknown[] | undefined => {
  if (!trimStart(text).startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(trimStart(text));
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** Whether a text is the JSON form, and be it of what must not be in it. */
export const isJsonForm = (text: string): boolean => jsonArray(text) !== undefined;

/**
 * The strings of a JSON array; undefined for any other text, which Docker takes for the shell form.
 * @throws InstructionError for an array of anything but strings
 */
export const jsonStrings = (text: string): string[] | undefined => {
  const value = jsonArray(text);
  if (value === undefined) return undefined;
  if (value.some((item) => typeof item !== 'string')) throw new InstructionError('the JSON form holds strings only: write numbers and the like in quotes');
  // Half a surrogate pair is no character (Go, encoding/json).
  return (value as string[]).map((item) => Buffer.from(item).toString());
};
