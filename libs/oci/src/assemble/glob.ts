import { below, namesOf } from './paths.ts';
import type { FileTree } from './tree.ts';

const isPattern = (part: string): boolean => /[*?[\\]/.test(part);

/** Fits one character of a name; a star fits any number of any characters. */
type Token = ((char: string) => boolean) | '*';

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
      else if (char === '?') tokens.push(() => true);
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
    return char === undefined ? undefined : (other) => other === char;
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
  private range(): ((char: string) => boolean) | undefined {
    const low = this.bound();
    const high = low !== undefined && this.skip('-') ? this.bound() : low;
    if (low === undefined || high === undefined) return undefined;
    const [from, to] = [low.codePointAt(0)!, high.codePointAt(0)!];
    return (char) => from <= char.codePointAt(0)! && char.codePointAt(0)! <= to;
  }

  /** What follows `[`: ranges up to `]`, at least one; with `^` before them, all other characters. */
  private set(): Token | undefined {
    const negated = this.skip('^');
    const ranges: ((char: string) => boolean)[] = [];
    do {
      const range = this.range();
      if (!range) return undefined;
      ranges.push(range);
    } while (!this.skip(']'));
    return (char) => ranges.some((fits) => fits(char)) !== negated;
  }
}

/** Whether tokens fit a name. After a mismatch only the last star takes one character more, so that the time stays below the product of the two lengths. */
const matchTokens = (tokens: readonly Token[], name: string): boolean => {
  const chars = [...name];
  let [token, at, star, resume] = [0, 0, -1, 0];
  while (at < chars.length) {
    const current = tokens[token];
    if (current === '*') {
      star = token;
      resume = at;
      token += 1;
    } else if (current?.(chars[at]!)) {
      token += 1;
      at += 1;
    } else if (star !== -1) {
      token = star + 1;
      resume += 1;
      at = resume;
    } else return false;
  }
  return tokens.slice(token).every((left) => left === '*');
};

/** Matches one name of a path by the rules of Go's filepath.Match; undefined if the pattern is malformed. */
export const matcherOf = (part: string): ((name: string) => boolean) | undefined => {
  if (!isPattern(part)) return (name) => name === part;
  const tokens = new PatternReader(part).tokens();
  return tokens && ((name) => matchTokens(tokens, name));
};

/** The names in a folder that a part of a source fits, sorted. */
const matchingNames = (names: ReadonlyMap<string, unknown>, part: string, matches: (name: string) => boolean): string[] => {
  if (isPattern(part)) return [...names.keys()].filter(matches).sort();
  return names.has(part) ? [part] : [];
};

/** The paths in a tree that a source of COPY names, sorted; undefined if its pattern is malformed. Links on the way are followed. */
export const matchPaths = (tree: FileTree, source: string): string[] | undefined => {
  let reached = [''];
  for (const part of namesOf(source)) {
    const matches = matcherOf(part);
    if (!matches) return undefined;
    reached = reached.flatMap((path) => {
      const folder = tree.find(path);
      return folder?.type === 'directory' ? matchingNames(folder.children, part, matches).map((name) => below(path, name)) : [];
    });
  }
  return reached;
};

/** Whether a source of COPY has a pattern in it. */
export const hasPattern = (source: string): boolean => source.split('/').some(isPattern);
