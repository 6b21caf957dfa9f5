import type { FileTree } from './tree.ts';

const isPattern = (part: string): boolean => /[*?[\\]/.test(part);

/** One character of a name that fits, or any number of any characters. */
type Token = ((char: string) => boolean) | '*';

/** Reads a pattern from its front, by code points. */
class PatternReader {
  private at = 0;
  private readonly chars: readonly string[];

  constructor(pattern: string) {
    this.chars = [...pattern];
  }

  /** Undefined where the pattern is malformed. */
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

  /** A bound in a set; `-` and `]` stand for themselves only behind a backslash. */
  private bound(): string | undefined {
    const char = this.next();
    return char === '\\' ? this.next() : char === '-' || char === ']' ? undefined : char;
  }

  private set(): Token | undefined {
    const negated = this.chars[this.at] === '^';
    if (negated) this.at += 1;
    const ranges: (readonly [number, number])[] = [];
    do {
      const low = this.bound();
      const ranged = low !== undefined && this.chars[this.at] === '-';
      if (ranged) this.at += 1;
      const high = ranged ? this.bound() : low;
      if (low === undefined || high === undefined) return undefined;
      ranges.push([low.codePointAt(0)!, high.codePointAt(0)!]);
    } while (this.chars[this.at] !== ']');
    this.at += 1;
    return (char) => ranges.some(([low, high]) => low <= char.codePointAt(0)! && char.codePointAt(0)! <= high) !== negated;
  }
}

/** Goes back to the last star alone, so that the time stays below the product of the two lengths. */
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

/** One part of a path as a pattern by the rules of Go's filepath.Match; undefined where it is malformed. */
export const matcherOf = (part: string): ((name: string) => boolean) | undefined => {
  if (!isPattern(part)) return (name) => name === part;
  const tokens = new PatternReader(part).tokens();
  return tokens && ((name) => matchTokens(tokens, name));
};

/** The paths in a tree that a source of COPY names, sorted; undefined where its pattern is malformed. Links on the way are followed. */
export const matchPaths = (tree: FileTree, source: string): string[] | undefined => {
  let reached = [''];
  for (const part of source.split('/').filter((each) => each !== '' && each !== '.')) {
    const matches = matcherOf(part);
    if (!matches) return undefined;
    reached = reached.flatMap((path) => {
      const folder = tree.find(path);
      if (folder?.type !== 'directory') return [];
      const names = isPattern(part) ? [...folder.children.keys()].filter(matches).sort() : folder.children.has(part) ? [part] : [];
      return names.map((name) => (path === '' ? name : `${path}/${name}`));
    });
  }
  return reached;
};

export const hasPattern = (source: string): boolean => source.split('/').some(isPattern);
