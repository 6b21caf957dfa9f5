import { isMap, isNode, isScalar, isSeq, type Pair, type YAMLMap } from 'yaml';
import { fail } from '@pinlane/contracts';
import { nodeAt, pairOf } from '../../spec/places.ts';
import type { YamlSource } from '../../spec/syntax.ts';
import { columnOf, contentEnd, endOfLine, indentStep, isFlow, newline, pairEnd, rangeOf } from './layout.ts';
import type { Edit, Splice } from './model.ts';
import { blockLines, flowText, plainOrQuoted, type Branch } from './write.ts';

const insertAt = (offset: number, text: string): Splice => ({ from: offset, to: offset, text });

/** The end of the comments that follow a block and are indented deeper than its key: they are the block's own, and what is inserted goes behind them. */
const pastOwnComments = (text: string, at: number, column: number): number => {
  let end = at;
  for (let line = at; line < text.length; line = endOfLine(text, line)) {
    const [, pad, mark] = /^( *)(#)?/.exec(text.slice(line, endOfLine(text, line))) as unknown as [string, string, string | undefined];
    const blank = text.slice(line, endOfLine(text, line)).trim() === '';
    if (!blank && (mark === undefined || pad.length <= column)) break;
    if (!blank) end = endOfLine(text, line);
  }
  return end;
};

/** Inserts whole lines behind the line that holds `after`. @param owner the column of a block's key, if the block's own comments come first */
const insertLines = ({ text }: YamlSource, after: number, lines: readonly string[], owner?: number): Splice => {
  const eol = newline(text);
  const line = text[after - 1] === '\n' ? after : endOfLine(text, after);
  const at = owner === undefined ? line : pastOwnComments(text, line, owner);
  const open = at > 0 && text[at - 1] !== '\n';
  return insertAt(at, `${open ? eol : ''}${lines.join(eol)}${open ? '' : eol}`);
};

/** Adds a key to a mapping in braces. */
const insertIntoFlow = (map: YAMLMap, branch: Branch): Splice => {
  const last = map.items[map.items.length - 1];
  const [start] = rangeOf(map);
  const written = flowText([branch]);
  if (last === undefined) return insertAt(start + 1, ` ${written} `);
  // A key without a value ends before its comment, and it is not known where: what is new goes before all others.
  const isOpen = isScalar(last.value) && last.value.source === '';
  return isOpen ? insertAt(start + 1, ` ${written},`) : insertAt(pairEnd(last), `, ${written}`);
};

/** The pairs of which the first that is there is followed by a new key: `image` belongs after `build`, which belongs after `ref`. */
const PREFERRED: Readonly<Record<string, readonly string[]>> = { image: ['build', 'ref'], platforms: ['repository'] };

/** The pair behind which a new key is put: one that is preferred, else the last. */
const siblingFor = (map: YAMLMap, key: string): Pair => {
  const preferred = (PREFERRED[key] ?? []).map((name) => pairOf(map, name)).find((pair) => pair !== undefined);
  return preferred ?? (map.items[map.items.length - 1] as Pair);
};

/** Whether a pair's value has no block into which a comment could be indented. */
const isFlowValue = ({ value }: Pair): boolean => !(isMap(value) || isSeq(value)) || value.flow === true;

/** Adds a key to a mapping in lines. */
const insertIntoBlock = (source: YamlSource, map: YAMLMap, branch: Branch): Splice => {
  const sibling = siblingFor(map, branch[0]);
  const column = columnOf(source, map.items[0]?.key);
  return insertLines(source, pairEnd(sibling), blockLines([branch], column, indentStep(source)), isFlowValue(sibling) ? undefined : column);
};

/** Gives a value, or the keys below it, to a key that is there and has no mapping behind it: nothing, or null. */
const fillKey = (source: YamlSource, map: YAMLMap, { key, value }: Pair, filling: Branch[1]): Splice => {
  const onOneLine = typeof filling === 'string' ? filling : `{ ${flowText(filling)} }`;
  const keyEnd = contentEnd(key);
  const colon = /^\s*:/.exec(source.text.slice(keyEnd, keyEnd + 1000));
  // In `{ amd64, arm64 }` a key stands without its colon.
  if (colon === null) return insertAt(keyEnd, `: ${onOneLine}`);
  const colonEnd = keyEnd + colon[0].length;
  if (typeof filling === 'string') return insertAt(colonEnd, ` ${onOneLine}`);
  const [from, to] = isNode(value) ? rangeOf(value) : [0, 0];
  if (to > from) return { from, to, text: onOneLine };
  if (isFlow(map)) return insertAt(colonEnd, ` ${onOneLine}`);
  const step = indentStep(source);
  return insertLines(source, colonEnd, blockLines(filling, columnOf(source, key) + step, step));
};

/** The deepest mapping on the way of a path, and how many of the path's keys lead to it. @throws ERR_REGISTRY_CONFLICT if the document is no mapping */
const deepestMapping = (source: YamlSource, path: Edit['path']): { readonly map: YAMLMap; readonly depth: number } => {
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const map = nodeAt(source, path.slice(0, depth));
    if (isMap(map)) return { map, depth };
  }
  return fail('ERR_REGISTRY_CONFLICT', 'the document is not a mapping', { file: source.file });
};

/** What edits put behind a key: the value of the one that ends there, or the keys that lead on from it, in the order in which they come first. */
const fillingOf = (edits: readonly Edit[], depth: number): Branch[1] => {
  const [{ path, value }] = edits as [Edit];
  if (path.length === depth) return plainOrQuoted(value);
  const keys = [...new Set(edits.map((edit) => edit.path[depth] as string))];
  return keys.map((key): Branch => {
    const below = edits.filter((edit) => edit.path[depth] === key);
    return [key, fillingOf(below, depth + 1)];
  });
};

/**
 * The splice that gives values to paths that have none: to the first, and to those that begin with the same key that is missing.
 * @returns also the edits that are left
 */
export const insertionFor = (source: YamlSource, edits: readonly [Edit, ...Edit[]]): { readonly splice: Splice; readonly left: readonly Edit[] } => {
  const [{ path }] = edits;
  const { map, depth } = deepestMapping(source, path);
  const isAlong = (edit: Edit): boolean => path.slice(0, depth + 1).every((key, at) => edit.path[at] === key);
  const filling = fillingOf(edits.filter(isAlong), depth + 1);
  const key = path[depth] as string;
  const pair = pairOf(map, key);
  const insertKey = (): Splice => (isFlow(map) ? insertIntoFlow(map, [key, filling]) : insertIntoBlock(source, map, [key, filling]));
  return { splice: pair === undefined ? insertKey() : fillKey(source, map, pair, filling), left: edits.filter((edit) => !isAlong(edit)) };
};
