import { isSpace } from '../patterns/space.ts';

/** The beginning of a here-document: `<<name`, `<<-name`, and both with quotes in the name (Dockerfile reference, "Here-documents"). */
export interface OpenDocument {
  readonly name: string;
  /** Whether tabs at the start of its lines are taken off. */
  readonly tabs: boolean;
  /** Whether variables in it are expanded, which is so unless a quote is in its name. */
  readonly expand: boolean;
}

/** Why a line can't be split: BuildKit finds no here-document in it. */
class LexError extends Error {}

const ESCAPE = '\\';
const BLANKS = new Set(['\t', '\r', ' ']);
/** How deeply variables may be nested. */
const DEEPEST = 100;

const lexed = (condition: boolean): void => {
  if (!condition) throw new LexError();
};

/** Splits a line at white space outside of quotes, as BuildKit's lexer does without any variable (frontend/dockerfile/shell). */
class Lexer {
  quoted = false;
  private at = 0;
  private depth = 0;
  private word = '';
  private inWord = false;
  private readonly words: string[] = [];
  private readonly text: string;
  /** Whether quotes and escapes stay. */
  private readonly raw: boolean;

  constructor(text: string, raw: boolean) {
    this.text = text;
    this.raw = raw;
  }

  split(): string[] {
    this.until('');
    this.end();
    return this.words;
  }

  private end(): void {
    if (this.word !== '') this.words.push(this.word);
    this.word = '';
    this.inWord = false;
  }

  private add(text: string): string {
    this.word += text;
    this.inWord = true;
    return text;
  }

  private addSplit(text: string): string {
    for (const char of text) {
      if (!isSpace(char)) this.add(char);
      else if (this.inWord) this.end();
    }
    return text;
  }

  /** Takes what is before a stop character, and that too. @returns it without what was taken off */
  private until(stop: string): string {
    const parts: string[] = [];
    for (; this.at < this.text.length;) {
      const char = this.text[this.at]!;
      if (char === stop) {
        this.at += 1;
        return parts.join('');
      }
      parts.push(this.part(char));
    }
    lexed(stop === '');
    return parts.join('');
  }

  private part(char: string): string {
    if (char === "'" || char === '"') return this.add(char === "'" ? this.single() : this.double());
    if (char === '$') return this.addSplit(this.dollar());
    if (char === '<') return this.add(this.arrows());
    this.at += 1;
    if (char !== ESCAPE) return this.addSplit(char);
    const escaped = this.text[this.at] ?? '';
    this.at += 1;
    return this.add((this.raw ? ESCAPE : '') + escaped);
  }

  private single(): string {
    const end = this.text.indexOf("'", this.at + 1);
    lexed(end !== -1);
    this.quoted = true;
    const inner = this.text.slice(this.at + 1, end);
    this.at = end + 1;
    return this.raw ? `'${inner}'` : inner;
  }

  private double(): string {
    const parts: string[] = [];
    this.at += 1;
    this.quoted = true;
    for (let char = this.text[this.at]; char !== '"'; char = this.text[this.at]) {
      lexed(char !== undefined);
      if (char === '$') parts.push(this.dollar());
      else {
        const escaped = char === ESCAPE && ['"', '$', ESCAPE].includes(this.text[this.at + 1] ?? '') ? this.text[this.at + 1]! : '';
        parts.push(escaped === '' || this.raw ? char! : '', escaped);
        this.at += 1 + escaped.length;
      }
    }
    this.at += 1;
    return this.raw ? `"${parts.join('')}"` : parts.join('');
  }

  /** Blanks may stand between `<<` and the name. */
  private arrows(): string {
    const from = this.at;
    this.at += 1;
    if (this.text[this.at] !== '<') return '<';
    do this.at += 1;
    while (BLANKS.has(this.text[this.at] ?? ''));
    return this.text.slice(from, this.at);
  }

  private name(): string {
    const pattern = /[@*#?$!-]|\p{Nd}+|[\p{L}_][\p{L}\p{Nd}_]*|/uy;
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)![0];
    this.at += found.length;
    return found;
  }

  /** A variable stays as it is: none is set. */
  private dollar(): string {
    this.at += 1;
    if (this.text[this.at] !== '{') return `$${this.name()}`;
    this.at += 1;
    lexed(!['{', '}', ':', undefined].includes(this.text[this.at]));
    const name = this.name();
    const sign = this.text[this.at] === ':' ? this.text.slice(this.at, this.at + 2) : (this.text[this.at] ?? '');
    this.at += sign.length;
    if (sign === '}') return `\${${name}}`;
    lexed(/^(?::[^#%]|[-+?#%/])$/.test(sign));
    return this.modified(name, sign);
  }

  /** The words of a modifier are none of the line's. The lexer has one buffer for a word, so that what it holds is lost. */
  private modified(name: string, sign: string): string {
    const words = this.words.length;
    lexed((this.depth += 1) <= DEEPEST);
    const all = sign === '/' && this.text[this.at] === '/' ? '/' : '';
    this.at += all.length;
    const pattern = sign === '/' ? `${this.until('/')}/` : '';
    const word = this.until('}');
    this.depth -= 1;
    this.words.length = words;
    this.word = '';
    return `\${${name}${sign}${all}${pattern}${word}}`;
  }
}

const splitOrNothing = (line: string): string[] => {
  try {
    return new Lexer(line, true).split();
  } catch (error) {
    if (error instanceof LexError) return [];
    throw error;
  }
};

/** What a word opens; undefined if it opens no here-document. */
export const openDocument = (word: string): OpenDocument | undefined => {
  const [, dash, rest = ''] = /^\d*<<(-?)([^<]*)$/.exec(word) ?? [];
  const quotedName = rest.replace(/^[\t\n\f\r ]+/, '');
  if (quotedName === '') return undefined;
  const lexer = new Lexer(quotedName, false);
  try {
    const [name, ...more] = lexer.split();
    return name === undefined || more.length > 0 ? undefined : { name, tabs: dash === '-', expand: !lexer.quoted };
  } catch (error) {
    if (error instanceof LexError) return undefined;
    throw error;
  }
};

/** What a line opens, in its order. */
export const openDocuments = (line: string): readonly OpenDocument[] => splitOrNothing(line).flatMap((word) => openDocument(word) ?? []);
