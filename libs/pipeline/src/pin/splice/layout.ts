import { isMap, isNode, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import type { YamlSource } from '../../spec/syntax.ts';

/** Where a node stands in the text: from its first character to behind its last. */
export const rangeOf = (node: Node): readonly [number, number] => [node.range?.[0] ?? 0, node.range?.[1] ?? 0];

/** Whether a mapping is written in braces. */
export const isFlow = (map: YAMLMap): boolean => map.flow === true;

/** Where the last text of a node ends. The range of a block mapping or list also covers the comments behind it, which are not its text. */
export const contentEnd = (node: unknown): number => {
  if (isMap(node) && !isFlow(node) && node.items.length > 0) return pairEnd(node.items[node.items.length - 1] as Pair);
  if (isSeq(node) && node.flow !== true && node.items.length > 0) return contentEnd(node.items[node.items.length - 1]);
  return isNode(node) ? rangeOf(node)[1] : 0;
};

/** Where the last text of a key and its value ends. */
export const pairEnd = ({ key, value }: Pair): number => Math.max(contentEnd(value), contentEnd(key));

/** The column of a node, from 0. */
export const columnOf = (source: YamlSource, node: unknown): number => {
  const start = isNode(node) ? rangeOf(node)[0] : 0;
  const column = source.at(start).column - 1;
  // A byte-order mark stands before the first column and is no indentation.
  return start - column === 0 && source.text.startsWith('\uFEFF') ? column - 1 : column;
};

/** How many columns the document indents by: as many as its first nested mapping, else 2. */
export const indentStep = (source: YamlSource): number => {
  const root = source.document.contents;
  if (!isMap(root)) return 2;
  for (const { key, value } of root.items) {
    if (!isMap(value) || isFlow(value) || value.items.length === 0) continue;
    const step = columnOf(source, value.items[0]?.key) - columnOf(source, key);
    if (step > 0) return step;
  }
  return 2;
};

/** Where the next line begins, or the text ends. */
export const endOfLine = (text: string, offset: number): number => {
  const at = text.indexOf('\n', offset);
  return at === -1 ? text.length : at + 1;
};

/** The line ending that a text uses. */
export const newline = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n');
