/** The value of a variable; undefined where it is not set. */
export type Lookup = (name: string) => string | undefined;

/** Why a word cannot be expanded; `unsupported` where Docker could. */
export class ExpansionError extends Error {
  readonly unsupported: boolean;
  constructor(message: string, unsupported = false) {
    super(message);
    this.unsupported = unsupported;
  }
}

const DEEPEST = 100;

/** Walks over one word. Each method takes its part from the front and leaves `at` behind it. */
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
    }
    this.at += 1;
    return result;
  }

  private name(): string {
    const found = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?!$-])/.exec(this.text.slice(this.at, this.at + 1000))?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  private dollar(): string {
    this.at += 1;
    if (this.text[this.at] === '{') return this.braced();
    const name = this.name();
    return name === '' ? '$' : (this.lookup(name) ?? '');
  }

  /** `${name}` and `${name:-word}`, `:+`, `:?`, each also without the colon: then an empty value counts as set. */
  private braced(): string {
    this.at += 1;
    const name = this.name();
    if (name === '') throw new ExpansionError('${ is not followed by a name');
    const value = this.lookup(name);
    if (this.take('}')) return value ?? '';
    const colon = this.take(':');
    const operator = this.text[this.at] ?? '';
    if (operator === '') throw new ExpansionError('${ is not closed');
    if (!'-+?'.includes(operator))
      throw new ExpansionError(`\${${name}${colon ? ':' : ''}${operator}…} is not an expansion that is known`, '#%/'.includes(operator));
    this.at += 1;
    if ((this.depth += 1) > DEEPEST) throw new ExpansionError('expansions are nested too deeply');
    const word = this.word('}');
    this.depth -= 1;
    if (!this.take('}')) throw new ExpansionError('${ is not closed');
    const present = value !== undefined && !(colon && value === '');
    if (operator === '+') return present ? word : '';
    if (present) return value;
    if (operator === '?') throw new ExpansionError(`${name}: ${word || 'is not set'}`);
    return word;
  }

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

/** Expands variables in a text, in which quotes are characters like others, as Docker does in here-documents. @throws ExpansionError */
export const expandText = (text: string, lookup: Lookup): string => new Expander(text, lookup, '\\', false).word('');
