import { isMap, isNode, isScalar, isSeq, type Node, type Pair } from 'yaml';
import type { YamlSource } from './syntax.ts';

/** A path in a document: keys of mappings and positions in lists. */
export type YamlPath = readonly (string | number)[];

/** The pair of a mapping that has a key. */
export const pairOf = (node: unknown, key: string | number): Pair | undefined =>
  isMap(node) ? node.items.find((pair) => isScalar(pair.key) && pair.key.value === key) : undefined;

const child = (node: unknown, key: string | number): unknown => (isSeq(node) && typeof key === 'number' ? node.items[key] : pairOf(node, key)?.value);

/** The node at a path; undefined if there is none. */
export const nodeAt = (source: YamlSource, path: YamlPath): Node | undefined => {
  const node = path.reduce<unknown>(child, source.document.contents);
  return isNode(node) ? node : undefined;
};

/** Line and column, from 1, of the value at a path or of its key. If there is none, of the nearest node around it. */
export const placeOf = (source: YamlSource, path: YamlPath, what: 'value' | 'key' = 'value'): { line: number; column: number } => {
  for (let length = path.length; length > 0; length--) {
    const parent = nodeAt(source, path.slice(0, length - 1));
    const last = path[length - 1] as string | number;
    const pair = pairOf(parent, last);
    const node = what === 'key' || length < path.length ? (pair?.key ?? child(parent, last)) : (child(parent, last) ?? pair?.key);
    if (isNode(node) && node.range) return source.at(node.range[0]);
  }
  return { line: 1, column: 1 };
};
