import { allBut, ANY, charSet, inSet, pointsOf, type CharSet, type Range } from './char-set.ts';

/** Whether a text has a character that means more than itself in a pattern. */
export const isPattern = (text: string): boolean => /[*?[\\]/.test(text);

/** The characters that fit in one place of a name; a star fits any number of any characters. */
type Token = CharSet | '*';

/** Reads a pattern from its front, by code points. */
class PatternReader {
  private at = 0;
  private readonly chars: readonly string[];

  constructor(pattern: string) {
    this.chars = [...pattern];
  }

  /** The whole pattern; undefined if it is malformed. */
  tokens(): Token[] | undefined {
    const tokens: Token[] = [];
    while (this.at < this.chars.length) {
      const char = this.next()!;
      if (char === '*') tokens.push('*');
      else if (char === '?') tokens.push(ANY);
      else {
        const one = char === '[' ? this.set() : this.literal(char === '\\' ? this.next() : char);
        if (!one) return undefined;
        tokens.push(one);
      }
    }
    return tokens;
  }

  private next(): string | undefined {
    this.at += 1;
    return this.chars[this.at - 1];
  }

  private literal(char: string | undefined): Token | undefined {
    return char === undefined ? undefined : [[char.codePointAt(0)!, char.codePointAt(0)!]];
  }

  /** Skips a character if it is the next one. */
  private skip(char: string): boolean {
    if (this.chars[this.at] !== char) return false;
    this.at += 1;
    return true;
  }

  /** One end of a range. `-` and `]` stand for themselves only behind a backslash. */
  private bound(): string | undefined {
    const char = this.next();
    return char === '\\' ? this.next() : char === '-' || char === ']' ? undefined : char;
  }

  /** `a-z`, or `a` alone; undefined if it is malformed. */
  private range(): Range | undefined {
    const low = this.bound();
    const high = low !== undefined && this.skip('-') ? this.bound() : low;
    return low === undefined || high === undefined ? undefined : [low.codePointAt(0)!, high.codePointAt(0)!];
  }

  /** What follows `[`: ranges up to `]`, at least one; with `^` before them, all other characters. */
  private set(): Token | undefined {
    const negated = this.skip('^');
    const ranges: Range[] = [];
    do {
      const range = this.range();
      if (!range) return undefined;
      ranges.push(range);
    } while (!this.skip(']'));
    const set = charSet(ranges);
    return negated ? allBut(set) : set;
  }
}

/** Whether tokens fit a name. After a mismatch only the last star takes one character more, so that the time stays below the product of the two lengths. */
const matchTokens = (tokens: readonly Token[], name: string): boolean => {
  const points = pointsOf(name);
  let [token, at, star, resume] = [0, 0, -1, 0];
  while (at < points.length) {
    const current = tokens[token];
    if (current === '*') {
      star = token;
      resume = at;
      token += 1;
    } else if (current !== undefined && inSet(current, points[at]!)) {
      token += 1;
      at += 1;
    } else if (star !== -1) {
      token = star + 1;
      resume += 1;
      at = resume;
    } else return false;
  }
  while (tokens[token] === '*') token += 1;
  return token === tokens.length;
};

/** Divides a pattern behind its stars, and before the next one that is outside of a set (Go, path/filepath, scanChunk). */
const firstChunk = (pattern: string): { readonly chunk: string; readonly rest: string } => {
  const start = /^\**/.exec(pattern)![0].length;
  let inSet = false;
  for (let at = start; at < pattern.length; at += 1) {
    const char = pattern[at];
    if (char === '\\') at += 1;
    else if (char === '[' || char === ']') inSet = char === '[';
    else if (char === '*' && !inSet) return { chunk: pattern.slice(start, at), rest: pattern.slice(at) };
  }
  return { chunk: pattern.slice(start), rest: '' };
};

/**
 * Whether Go's filepath.Match takes a pattern if it is tried on the name `.`, which is how moby's patternmatcher checks one. It looks no further than
 * it has to: what follows a part that does not fit may be malformed.
 */
export const isAcceptedOnDot = (pattern: string): boolean => {
  let name = '.';
  for (let left = pattern; left !== '';) {
    const { chunk, rest } = firstChunk(left);
    const tokens = new PatternReader(chunk).tokens();
    if (tokens === undefined) return false;
    const taken = name.slice(0, tokens.length);
    if (taken.length < tokens.length || !matchTokens(tokens, taken)) return true;
    name = name.slice(taken.length);
    left = rest;
  }
  return true;
};

/** Matches one name of a path by the rules of Go's filepath.Match; undefined if the pattern is malformed. */
export const matcherOf = (part: string): ((name: string) => boolean) | undefined => {
  if (!isPattern(part)) return (name) => name === part;
  const tokens = new PatternReader(part).tokens();
  return tokens && ((name) => matchTokens(tokens, name));
};
