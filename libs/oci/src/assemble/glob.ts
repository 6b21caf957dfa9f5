import type { FileTree } from './tree.ts';

const isPattern = (part: string): boolean => /[*?[\\]/.test(part);

const literal = (char: string): string => char.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** A character class from behind its `[`; undefined where it is malformed. */
const classAt = (part: string, from: number): { source: string; end: number } | undefined => {
  let at = from;
  const negated = part[at] === '^';
  if (negated) at += 1;
  let source = '';
  const one = (): string | undefined => {
    if (part[at] === '\\') at += 1;
    const char = part[at];
    at += 1;
    return char;
  };
  do {
    if (part[at] === '-' || part[at] === ']') return undefined;
    const low = one();
    if (low === undefined) return undefined;
    let high: string | undefined = low;
    if (part[at] === '-') {
      at += 1;
      if (part[at] === ']') return undefined;
      high = one();
      if (high === undefined || high < low) return undefined;
    }
    source += low === high ? literal(low) : `${literal(low)}-${literal(high)}`;
  } while (part[at] !== ']');
  return { source: `[${negated ? '^' : ''}${source}]`, end: at + 1 };
};

/** One part of a path as a pattern by the rules of Go's filepath.Match; undefined where it is malformed. */
export const matcherOf = (part: string): ((name: string) => boolean) | undefined => {
  if (!isPattern(part)) return (name) => name === part;
  let source = '';
  for (let at = 0; at < part.length;) {
    const char = part[at]!;
    at += 1;
    if (char === '*') source += '.*';
    else if (char === '?') source += '.';
    else if (char === '[') {
      const found = classAt(part, at);
      if (!found) return undefined;
      source += found.source;
      at = found.end;
    } else if (char === '\\') {
      if (at >= part.length) return undefined;
      source += literal(part[at]!);
      at += 1;
    } else source += literal(char);
  }
  // Runs of stars mean one; as many they would take time without end.
  const expression = new RegExp(`^${source.replace(/(?:\.\*){2,}/g, '.*')}$`, 'su');
  return (name) => expression.test(name);
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
