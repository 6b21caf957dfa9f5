import { allBut, ANY, charSet, LAST_POINT, type CharSet, type Range } from './char-set.ts';

/** The points of a text, and a place between two of them. */
type Assertion = (points: readonly number[], at: number) => boolean;

/** One part of an expression: a character, any number of them, or at most one; `folders` is `(.*\/)?`: nothing, or all up to some slash. */
export type Step =
  { readonly kind: 'one' | 'many' | 'option'; readonly set: CharSet } | { readonly kind: 'folders' } | { readonly kind: 'assert'; readonly holds: Assertion };

/** What `(.*\/)?` and `.*` are in the text of an expression. */
export const FOLDERS = '(.*/)?';
export const ANYTHING = '.*';

const point = (char: string): number => char.codePointAt(0)!;
const ranges = (...pairs: readonly string[]): CharSet => charSet(pairs.map((pair): Range => [point(pair[0]!), point(pair.at(-1)!)]));

const DIGITS = ranges('09');
const WORD = ranges('09', 'AZ', 'az', '_');
const PERL: Readonly<Record<string, CharSet>> = { d: DIGITS, w: WORD, s: ranges('\t\n', '\f\r', ' ') };
const POSIX: Readonly<Record<string, CharSet>> = {
  alnum: ranges('09', 'AZ', 'az'),
  alpha: ranges('AZ', 'az'),
  ascii: [[0, 0x7f]],
  blank: ranges('\t', ' '),
  cntrl: charSet([
    [0, 0x1f],
    [0x7f, 0x7f],
  ]),
  digit: DIGITS,
  graph: ranges('!~'),
  lower: ranges('az'),
  print: ranges(' ~'),
  punct: ranges('!/', ':@', '[`', '{~'),
  space: ranges('\t\r', ' '),
  upper: ranges('AZ'),
  word: WORD,
  xdigit: ranges('09', 'AF', 'af'),
};
const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
const NEWLINE: CharSet = [[10, 10]];

/** How often a part may be repeated (Go, regexp/syntax), and how many steps may come of it. */
const MOST_REPEATED = 1000;
const MOST_STEPS = 200_000;

const isWord = (at: number | undefined): boolean => at !== undefined && WORD.some(([from, to]) => from <= at && at <= to);
const start: Assertion = (_, at) => at === 0;
const end: Assertion = (points, at) => at === points.length;
const boundary: Assertion = (points, at) => isWord(points[at - 1]) !== isWord(points[at]);
const ASSERTIONS: Readonly<Record<string, Assertion>> = { A: start, z: end, b: boundary, B: (points, at) => !boundary(points, at) };

const malformed = (): never => {
  throw new SyntaxError('not an expression');
};

interface Times {
  readonly least: number;
  readonly most: number;
}

/** A part as often as it is wanted. */
const repeated = (step: Step, { least, most }: Times): Step[] => {
  if (step.kind === 'assert') return least === 0 ? [] : [step];
  // A repetition of a repetition is refused (Go, regexp/syntax, ErrInvalidRepeatOp).
  if (step.kind !== 'one') return malformed();
  const { set } = step;
  const more: Step[] = most === Infinity ? [{ kind: 'many', set }] : Array.from({ length: most - least }, () => ({ kind: 'option', set }));
  return [...Array.from({ length: least }, () => step), ...more];
};

const isAssertion = (step: Step | undefined, holds: Assertion): boolean => step?.kind === 'assert' && step.holds === holds;

/** Go finds an expression anywhere in a text: what is before and behind it is made a part of it. */
const anchored = (steps: readonly Step[]): Step[] => {
  const any: Step = { kind: 'many', set: ANY };
  return [...(isAssertion(steps[0], start) ? [] : [any]), ...steps, ...(isAssertion(steps.at(-1), end) ? [] : [any])];
};

/** Reads the part of Go's regular expressions (regexp/syntax) that can come of a line of .dockerignore. */
class ExpressionReader {
  private at = 0;
  private readonly chars: readonly string[];
  /** Behind it no name of a class is closed. */
  private readonly lastClose: number;

  constructor(text: string) {
    this.chars = [...text];
    this.lastClose = this.chars.findLastIndex((char, at) => char === ':' && this.chars[at + 1] === ']');
  }

  /** What `|` divides. */
  alternatives(): Step[][] {
    const all = [this.steps()];
    while (this.skip('|')) all.push(this.steps());
    return all.map(anchored);
  }

  private steps(): Step[] {
    const steps: Step[] = [];
    while (this.at < this.chars.length && this.chars[this.at] !== '|') {
      if (this.skip('\\Q')) steps.push(...this.quoted());
      else steps.push(this.part());
      const last = steps.at(-1);
      const times = this.repetition();
      if (times && last) steps.splice(-1, 1, ...repeated(last, times));
      if (steps.length > MOST_STEPS) return malformed();
    }
    return steps;
  }

  private part(): Step {
    if (this.skip(FOLDERS)) return { kind: 'folders' };
    if (this.skip(ANYTHING)) return { kind: 'many', set: allBut(NEWLINE) };
    if (this.skip('^')) return { kind: 'assert', holds: start };
    if (this.skip('$')) return { kind: 'assert', holds: end };
    const holds = this.assertion();
    if (holds) return { kind: 'assert', holds };
    const set = this.skip('[') ? this.set() : this.character();
    return { kind: this.skip('*') ? 'many' : 'one', set };
  }

  /** `{2}`, `{2,}` or `{2,3}`; undefined for a brace that is one character like others. */
  private repetition(): Times | undefined {
    if (this.chars[this.at] !== '{') return undefined;
    const text = this.chars.slice(this.at, this.at + 40).join('');
    const found = /^\{(0|[1-9]\d*)(?:(,)(0|[1-9]\d*)?)?\}/.exec(text);
    if (!found) return undefined;
    this.at += found[0].length;
    const least = Number(found[1]);
    const most = found[2] === undefined ? least : found[3] === undefined ? Infinity : Number(found[3]);
    const right = least <= MOST_REPEATED && (most <= MOST_REPEATED || most === Infinity) && least <= most;
    return right && this.chars[this.at] !== '*' ? { least, most } : malformed();
  }

  /** Skips a text if it comes next. */
  private skip(text: string): boolean {
    for (let each = 0; each < text.length; each += 1) if (this.chars[this.at + each] !== text[each]) return false;
    this.at += text.length;
    return true;
  }

  private next(): string {
    this.at += 1;
    return this.chars[this.at - 1] ?? malformed();
  }

  private assertion(): Assertion | undefined {
    const holds = this.chars[this.at] === '\\' ? ASSERTIONS[this.chars[this.at + 1] ?? ''] : undefined;
    if (holds) this.at += 2;
    return holds;
  }

  /** What stands between `\Q` and `\E` means itself. */
  private quoted(): Step[] {
    const steps: Step[] = [];
    while (this.at < this.chars.length && !this.skip('\\E')) {
      const at = point(this.next());
      steps.push({ kind: 'one', set: [[at, at]] });
    }
    return steps;
  }

  /** `\d` and its like; undefined if something else comes next. */
  private perl(): CharSet | undefined {
    const name = this.chars[this.at] === '\\' ? (this.chars[this.at + 1] ?? '') : '';
    const set = PERL[name.toLowerCase()];
    if (set) this.at += 2;
    return set && (name === name.toLowerCase() ? set : allBut(set));
  }

  private character(): CharSet {
    const perl = this.perl();
    if (perl) return perl;
    const at = this.single();
    return [[at, at]];
  }

  /** One character, which may be escaped. */
  private single(): number {
    const char = this.next();
    if (char !== '\\') return point(char);
    const escaped = this.next();
    if (CONTROL[escaped] !== undefined) return CONTROL[escaped];
    if (/[0-7]/.test(escaped)) return this.octal(escaped);
    if (escaped === 'x') return this.hexadecimal();
    return /[^\w\u0080-\u{10FFFF}]/u.test(escaped) ? point(escaped) : malformed();
  }

  /** Up to three octal digits; one alone would be a reference back, unless it is 0. */
  private octal(first: string): number {
    let digits = first;
    while (digits.length < 3 && /[0-7]/.test(this.chars[this.at] ?? '')) digits += this.next();
    return digits.length > 1 || digits === '0' ? Number.parseInt(digits, 8) : malformed();
  }

  private hexadecimal(): number {
    if (this.skip('{')) return this.braced();
    const digits = this.next() + this.next();
    return /^[\dA-Fa-f]{2}$/.test(digits) ? Number.parseInt(digits, 16) : malformed();
  }

  private braced(): number {
    let digits = '';
    while (!this.skip('}')) digits += this.next();
    const found = /^[\dA-Fa-f]+$/.test(digits) ? Number.parseInt(digits, 16) : Infinity;
    return found <= LAST_POINT ? found : malformed();
  }

  /** `[:alpha:]` and its like. */
  private named(): CharSet | undefined {
    if (this.chars[this.at] !== '[' || this.chars[this.at + 1] !== ':' || this.lastClose < this.at + 2) return undefined;
    let close = this.at + 2;
    while (this.chars[close] !== ':' || this.chars[close + 1] !== ']') close += 1;
    const name = this.chars.slice(this.at + 2, close).join('');
    const set = POSIX[name.replace(/^\^/, '')] ?? malformed();
    this.at = close + 2;
    return name.startsWith('^') ? allBut(set) : set;
  }

  /** What follows `[`, up to the `]` that closes it; one that comes first means itself. */
  private set(): CharSet {
    const negated = this.skip('^');
    const parts: Range[] = [];
    for (let first = true; first || this.chars[this.at] !== ']'; first = false) {
      const several = this.named() ?? this.perl();
      if (several) parts.push(...several);
      else parts.push(this.range());
    }
    this.at += 1;
    const set = charSet(parts);
    return negated ? allBut(set) : set;
  }

  private range(): Range {
    const from = this.single();
    if (this.chars[this.at] !== '-' || (this.chars[this.at + 1] ?? ']') === ']') return [from, from];
    this.at += 1;
    const to = this.single();
    return to < from ? malformed() : [from, to];
  }
}

/** Reads an expression: what `|` divides, each of which has to fit a text as a whole. @returns undefined if Go would refuse it */
export const readExpression = (text: string): readonly (readonly Step[])[] | undefined => {
  try {
    return new ExpressionReader(text).alternatives();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};
