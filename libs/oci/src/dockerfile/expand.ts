/** Gives the value of a variable; undefined if it is not set. */
export type Lookup = (name: string) => string | undefined;

/** Why a word cannot be expanded; `unsupported` if Docker could. */
export class ExpansionError extends Error {
  readonly unsupported: boolean;
  constructor(message: string, unsupported = false) {
    super(message);
    this.unsupported = unsupported;
  }
}

/** How deeply expansions may be nested. */
const DEEPEST = 100;

/** How long a value may become, in characters: a line may double what a line before it has set. */
const LONGEST = 1024 * 1024;

const ONE_NAME = /[\p{L}_][\p{L}\p{Nd}_]*|\p{Nd}+|[@*#?!$-]|/uy;

/** `-`, `+` or `?`; with a colon before it an empty value counts as none. */
interface Operator {
  readonly sign: string;
  readonly colon: boolean;
}

/** What `${name<operator>word}` stands for. */
const applied = (name: string, value: string | undefined, { sign, colon }: Operator, word: string): string => {
  const present = value !== undefined && !(colon && value === '');
  if (sign === '+') return present ? word : '';
  if (present) return value;
  if (sign === '?') throw new ExpansionError(`${name}: ${word || 'is not set'}`);
  return word;
};

/** Walks over one word. Each method takes its part and leaves `at` behind it. */
class Expander {
  private at = 0;
  private depth = 0;
  private readonly text: string;
  private readonly lookup: Lookup;
  private readonly escape: string;
  private readonly quotes: boolean;

  constructor(text: string, lookup: Lookup, escape: string, quotes: boolean) {
    this.text = text;
    this.lookup = lookup;
    this.escape = escape;
    this.quotes = quotes;
  }

  /** Up to a stop character, which stays, or to the end. */
  word(stop: string): string {
    let result = '';
    while (this.at < this.text.length && this.text[this.at] !== stop) {
      const char = this.text[this.at]!;
      if (this.quotes && char === "'") result += this.singleQuoted();
      else if (this.quotes && char === '"') result += this.doubleQuoted();
      else if (char === '$') result += this.dollar();
      else if (char === this.escape) {
        result += this.text[this.at + 1] ?? '';
        this.at += 2;
      } else {
        result += char;
        this.at += 1;
      }
      if (result.length > LONGEST) throw new ExpansionError(`it grows to more than ${LONGEST} characters`);
    }
    return result;
  }

  private singleQuoted(): string {
    const end = this.text.indexOf("'", this.at + 1);
    if (end === -1) throw new ExpansionError('a single quote is not closed');
    const inner = this.text.slice(this.at + 1, end);
    this.at = end + 1;
    return inner;
  }

  private doubleQuoted(): string {
    let result = '';
    this.at += 1;
    while (this.text[this.at] !== '"') {
      const char = this.text[this.at];
      if (char === undefined) throw new ExpansionError('a double quote is not closed');
      if (char === '$') result += this.dollar();
      else if (char === this.escape && ['"', '$', this.escape].includes(this.text[this.at + 1] ?? '')) {
        result += this.text[this.at + 1]!;
        this.at += 2;
      } else {
        result += char;
        this.at += 1;
      }
      if (result.length > LONGEST) throw new ExpansionError(`it grows to more than ${LONGEST} characters`);
    }
    this.at += 1;
    return result;
  }

  private name(): string {
    ONE_NAME.lastIndex = this.at;
    const found = ONE_NAME.exec(this.text)![0];
    this.at += found.length;
    return found;
  }

  private dollar(): string {
    this.at += 1;
    if (this.text[this.at] === '{') return this.braced();
    const name = this.name();
    return name === '' ? '$' : (this.lookup(name) ?? '');
  }

  /** `${name}`, or `${name<operator>word}`. */
  private braced(): string {
    this.at += 1;
    const name = this.name();
    if (name === '') throw new ExpansionError('${ is not followed by a name');
    const value = this.lookup(name);
    if (this.take('}')) return value ?? '';
    const operator = this.operator(name);
    const word = this.nested();
    if (!this.take('}')) throw new ExpansionError('${ is not closed');
    return applied(name, value, operator, word);
  }

  private operator(name: string): Operator {
    const colon = this.take(':');
    const sign = this.text[this.at] ?? '';
    if (sign === '') throw new ExpansionError('${ is not closed');
    if (!'-+?'.includes(sign)) throw new ExpansionError(`\${${name}${colon ? ':' : ''}${sign}…} is not an expansion that is known`, '#%/'.includes(sign));
    this.at += 1;
    return { sign, colon };
  }

  /** The word of an expansion, in which there may be others. */
  private nested(): string {
    if ((this.depth += 1) > DEEPEST) throw new ExpansionError('expansions are nested too deeply');
    const word = this.word('}');
    this.depth -= 1;
    return word;
  }

  /** Takes a character if it is the next one. */
  private take(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at += 1;
    return true;
  }
}

/**
 * Expands variables and removes quotes and escapes from a word, by the rules of the Dockerfile reference, "Environment replacement".
 * A variable that is not set is empty.
 * @throws ExpansionError
 */
export const expandWord = (text: string, lookup: Lookup, escape = '\\'): string => new Expander(text, lookup, escape, true).word('');

/** Expands variables in a here-document, in which a quote is a character like any other. @throws ExpansionError */
export const expandText = (text: string, lookup: Lookup): string => new Expander(text, lookup, '\\', false).word('');
