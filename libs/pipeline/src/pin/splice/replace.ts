import { isScalar } from 'yaml';
import { nodeAt } from '../../spec/places.ts';
import type { YamlSource } from '../../spec/syntax.ts';
import { newline, rangeOf } from './layout.ts';
import type { Edit, Splice } from './model.ts';
import { inStyleOf } from './write.ts';

/** The splice that replaces the value that a path has; null if it has none yet. */
export const replacementFor = (source: YamlSource, { path, value }: Edit): Splice | null => {
  const existing = nodeAt(source, path);
  // A key without anything behind it has a null of no characters.
  if (!isScalar(existing) || existing.source === '') return null;
  const [from, to] = rangeOf(existing);
  if (existing.value === null && from === to) return null;
  const block = existing.type === 'BLOCK_LITERAL' || existing.type === 'BLOCK_FOLDED';
  return { from, to, text: `${inStyleOf(existing, value)}${block ? newline(source.text) : ''}` };
};
