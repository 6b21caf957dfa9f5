import { isPattern, matcherOf } from '../patterns/name-pattern.ts';
import { below, namesOf } from './paths.ts';
import type { FileTree, Node } from './tree.ts';

interface Reached {
  readonly path: string;
  readonly node: Node | undefined;
}

/** What is in a folder and fits one name of a source, sorted; nothing if it is no folder. */
const childrenOf = ({ path, node }: Reached, name: string, fits: (name: string) => boolean): Reached[] => {
  if (node?.type !== 'directory') return [];
  const named = isPattern(name) ? [...node.children.keys()].filter(fits).sort() : [name].filter((each) => node.children.has(each));
  return named.map((each) => ({ path: below(path, each), node: node.children.get(each) }));
};

/**
 * The paths in a tree that a source of COPY names, sorted; undefined if its pattern is malformed. Links on the way are followed up to the first name
 * that is a pattern. From there on they are not (fsutil, copy.ResolveWildcards): so no path is found twice, and the tree bounds the work.
 */
export const matchPaths = (tree: FileTree, source: string): string[] | undefined => {
  const names = namesOf(source);
  const matchers = names.map(matcherOf);
  if (matchers.includes(undefined)) return undefined;
  const patterns = names.findIndex(isPattern);
  const first = patterns === -1 ? Math.max(names.length - 1, 0) : patterns;
  const start = names.slice(0, first).join('/');
  let reached: Reached[] = [{ path: start, node: tree.find(start) }];
  for (const [at, name] of names.slice(first).entries()) reached = reached.flatMap((each) => childrenOf(each, name, matchers[first + at]!));
  return reached.map(({ path }) => path);
};

/** Whether a source of COPY has a pattern in it. */
export const hasPattern = (source: string): boolean => source.split('/').some(isPattern);
