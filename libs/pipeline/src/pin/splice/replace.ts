import { isScalar, type Node } from 'yaml';
import { nodeAt } from '../../spec/places.ts';
import type { YamlSource } from '../../spec/syntax.ts';
import { endOfLine, rangeOf } from './layout.ts';
import type { Edit, Splice } from './model.ts';
import { inStyleOf } from './write.ts';

/** The part of a block scalar that a value on one line takes the place of: its header up to a comment, and its lines up to the last that has text. */
const blockParts = ({ text }: YamlSource, node: Node): { readonly comment: string; readonly to: number } => {
  const [from, to] = rangeOf(node);
  const header = text.slice(from, endOfLine(text, from)).replace(/\r?\n$/, '');
  return { comment: /[ \t]+#.*$/.exec(header)?.[0] ?? '', to: from + text.slice(from, to).trimEnd().length };
};

/** The splice that replaces the value that a path has; null if it has none yet. */
export const replacementFor = (source: YamlSource, { path, value }: Edit): Splice | null => {
  const existing = nodeAt(source, path);
  // A key without anything behind it has a null of no characters.
  if (!isScalar(existing) || existing.source === '') return null;
  const [from, to] = rangeOf(existing);
  if (existing.value === null && from === to) return null;
  const written = inStyleOf(existing, value);
  if (existing.type !== 'BLOCK_LITERAL' && existing.type !== 'BLOCK_FOLDED') return { from, to, text: written };
  const block = blockParts(source, existing);
  return { from, to: block.to, text: `${written}${block.comment}` };
};
