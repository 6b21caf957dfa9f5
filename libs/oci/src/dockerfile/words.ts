/** Splits at white space; a quote is a character like any other. So Docker reads COPY, ADD, EXPOSE and VOLUME. */
export const plainWords = (text: string): string[] => text.split(/\s+/).filter(Boolean);

/** Splits at white space outside of quotes; quotes and escapes stay in the words. So Docker reads ENV, LABEL and ARG. */
export const quotedWords = (text: string, escape: string): string[] => {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]!;
    if (quote === '' && /\s/.test(char)) {
      if (word !== '') words.push(word);
      word = '';
    } else if (char === escape && quote !== "'" && at + 1 < text.length) {
      word += char + text[at + 1]!;
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

/** Takes `--name` and `--name=value` from the front. */
export const takeFlags = (text: string): Flagged => {
  const flags = new Map<string, string | undefined>();
  const given: [name: string, value: string | undefined][] = [];
  const repeated: string[] = [];
  let rest = text;
  for (let found = /^--(\S*)\s*/.exec(rest); found; found = /^--(\S*)\s*/.exec(rest)) {
    rest = rest.slice(found[0].length);
    const flag = found[1]!;
    if (flag === '') break;
    const equals = flag.indexOf('=');
    const name = equals === -1 ? flag : flag.slice(0, equals);
    const value = equals === -1 ? undefined : flag.slice(equals + 1);
    if (flags.has(name)) repeated.push(name);
    flags.set(name, value);
    given.push([name, value]);
  }
  const values = (name: string): string[] => given.flatMap(([each, value]) => (each === name && value !== undefined ? [value] : []));
  return { flags, values, repeated, rest };
};

/** The strings of a JSON array; undefined for any other text, which Docker takes for the shell form. */
export const jsonStrings = (text: string): string[] | undefined => {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? (value as string[]) : undefined;
  } catch {
    return undefined;
  }
};
