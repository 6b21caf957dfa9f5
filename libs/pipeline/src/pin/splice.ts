import { isMap, isNode, isScalar, isSeq, parse, type Node, type Pair, type YAMLMap } from 'yaml';
import { fail } from '@pinlane/contracts';
import { nodeAt, pairOf } from '../spec/places.ts';
import { parseYaml, type YamlSource } from '../spec/syntax.ts';
import type { PinEdit } from './plan.ts';

/** A replacement of a part of a text. */
interface Splice {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

const rangeOf = (node: Node): readonly [number, number] => [node.range?.[0] ?? 0, node.range?.[1] ?? 0];

const isPlainSafe = (value: string): boolean => {
  try {
    return !/^[[{]/.test(value) && parse(`{a: ${value}}`, { logLevel: 'silent' })?.a === value;
  } catch {
    return false;
  }
};

const plainOrQuoted = (value: string | null): string => (value === null ? 'null' : isPlainSafe(value) ? value : JSON.stringify(value));

/** A value in the quotes that the old one had. */
const inStyleOf = (node: Node, value: string | null): string => {
  const style = isScalar(node) ? node.type : undefined;
  if (value === null || (style !== 'QUOTE_DOUBLE' && style !== 'QUOTE_SINGLE')) return plainOrQuoted(value);
  return style === 'QUOTE_DOUBLE' ? JSON.stringify(value) : `'${value}'`;
};

const endOfLine = (text: string, offset: number): number => {
  const at = text.indexOf('\n', offset);
  return at === -1 ? text.length : at + 1;
};

const isFlow = (map: YAMLMap): boolean => map.flow === true;

/** Where the last text of a node ends; a block collection's own range also covers the comments behind it. */
const contentEnd = (node: unknown): number => {
  if (isMap(node) && !isFlow(node) && node.items.length > 0) return pairEnd(node.items[node.items.length - 1] as Pair);
  if (isSeq(node) && node.flow !== true && node.items.length > 0) return contentEnd(node.items[node.items.length - 1]);
  return isNode(node) ? rangeOf(node)[1] : 0;
};

/** Whether a pair's value has no block into which a comment could be indented. */
const isFlowValue = ({ value }: Pair): boolean => !(isMap(value) || isSeq(value)) || value.flow === true;

const pairEnd = ({ key, value }: Pair): number => Math.max(contentEnd(value), contentEnd(key));

const columnOf = (source: YamlSource, node: unknown): number => {
  const start = isNode(node) ? rangeOf(node)[0] : 0;
  const column = source.at(start).column - 1;
  // A byte-order mark stands before the first column and is no indentation.
  return start - column === 0 && source.text.startsWith('\uFEFF') ? column - 1 : column;
};

const indentStep = (source: YamlSource): number => {
  const root = source.document.contents;
  if (!isMap(root)) return 2;
  for (const { key, value } of root.items) {
    if (!isMap(value) || isFlow(value) || value.items.length === 0) continue;
    const step = columnOf(source, value.items[0]?.key) - columnOf(source, key);
    if (step > 0) return step;
  }
  return 2;
};

const newline = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n');

const blockLines = (keys: readonly string[], value: string, indent: number, step: number): string[] =>
  keys.map((key, depth) => `${' '.repeat(indent + depth * step)}${key}:${depth === keys.length - 1 ? ` ${value}` : ''}`);

const flowText = (keys: readonly string[], value: string): string =>
  keys.reduceRight((inner, key, at) => (at === keys.length - 1 ? `${key}: ${inner}` : `${key}: { ${inner} }`), value);

/** Behind the comments that follow a block and are indented deeper than its key: they are the block's own. */
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

const insertLines = (source: YamlSource, after: number, lines: readonly string[], owner?: number): Splice => {
  const { text } = source;
  const eol = newline(text);
  const line = text[after - 1] === '\n' ? after : endOfLine(text, after);
  const at = owner === undefined ? line : pastOwnComments(text, line, owner);
  const open = at > 0 && text[at - 1] !== '\n';
  return { from: at, to: at, text: `${open ? eol : ''}${lines.join(eol)}${open ? '' : eol}` };
};

const insertIntoFlow = (map: YAMLMap, keys: readonly string[], value: string): Splice => {
  const last = map.items[map.items.length - 1];
  const at = last === undefined ? rangeOf(map)[0] + 1 : pairEnd(last);
  return { from: at, to: at, text: last === undefined ? ` ${flowText(keys, value)} ` : `, ${flowText(keys, value)}` };
};

/** The sibling behind which `image` is put: it belongs after `build`, which belongs after `ref`. */
const siblingFor = (map: YAMLMap, key: string): Pair => {
  const preferred = key === 'image' ? ['build', 'ref'] : key === 'platforms' ? ['repository'] : [];
  for (const name of preferred) {
    const pair = pairOf(map, name);
    if (pair !== undefined) return pair;
  }
  return map.items[map.items.length - 1] as Pair;
};

/** The splice that replaces the value that a path has; null where it has none yet. */
const replacementFor = (source: YamlSource, { path, value }: PinEdit): Splice | null => {
  const existing = nodeAt(source, path);
  if (existing === undefined || !isScalar(existing) || existing.source === '') return null;
  const [from, to] = rangeOf(existing);
  if (existing.value === null && from === to) return null;
  const block = existing.type === 'BLOCK_LITERAL' || existing.type === 'BLOCK_FOLDED';
  return { from, to, text: `${inStyleOf(existing, value)}${block ? newline(source.text) : ''}` };
};

/** The splice that gives a value to a path that has none. */
const insertionFor = (source: YamlSource, { path, value }: PinEdit): Splice => {
  // The deepest mapping on the way that is there; its next key may be there too, with nothing behind it.
  let depth = path.length - 1;
  while (depth > 0 && !isMap(nodeAt(source, path.slice(0, depth)))) depth--;
  const map = nodeAt(source, path.slice(0, depth));
  if (!isMap(map)) return fail('ERR_REGISTRY_CONFLICT', 'the document is not a mapping', { file: source.file });
  const written = plainOrQuoted(value);
  const rest = path.slice(depth);
  const empty = pairOf(map, rest[0] as string);
  const step = indentStep(source);
  if (empty !== undefined) {
    const holder = isNode(empty.value) ? rangeOf(empty.value) : undefined;
    const afterKey = contentEnd(empty.key);
    // In `{ amd64, arm64 }` a key stands without its colon.
    const colon = /^\s*:/.exec(source.text.slice(afterKey, afterKey + 1000));
    if (colon === null) return { from: afterKey, to: afterKey, text: `: ${rest.length === 1 ? written : `{ ${flowText(rest.slice(1), written)} }`}` };
    const keyEnd = afterKey + colon[0].length;
    const inner = rest.slice(1);
    const [from, to] = holder !== undefined && holder[1] > holder[0] ? holder : [keyEnd, keyEnd];
    if (inner.length === 0) return { from: keyEnd, to: keyEnd, text: ` ${written}` };
    const explicit = to > from;
    if (isFlow(map) || explicit) return { from, to, text: `${explicit ? '' : ' '}{ ${flowText(inner, written)} }` };
    return insertLines(source, keyEnd, blockLines(inner, written, columnOf(source, empty.key) + step, step));
  }
  if (isFlow(map)) return insertIntoFlow(map, rest, written);
  const sibling = siblingFor(map, rest[0] as string);
  const column = columnOf(source, map.items[0]?.key);
  return insertLines(source, pairEnd(sibling), blockLines(rest, written, column, step), isFlowValue(sibling) ? undefined : column);
};

const apply = (text: string, { from, to, text: replacement }: Splice): string => `${text.slice(0, from)}${replacement}${text.slice(to)}`;

/**
 * Writes edits into a document's text, touching no other byte. Values that are there are replaced at once, from the last to the first, so
 * that no place moves before its turn; each insertion moves what the next one looks for. The result is not proven yet: see `applyPins`.
 */
export const splice = (text: string, edits: readonly PinEdit[], file: string): string => {
  const source = parseYaml(text, file);
  const planned = edits.map((edit) => ({ edit, replacement: replacementFor(source, edit) }));
  const replaced = planned
    .flatMap(({ replacement }) => replacement ?? [])
    .sort((a, b) => b.from - a.from)
    .reduce(apply, text);
  const missing = planned.flatMap(({ edit, replacement }) => (replacement === null ? [edit] : []));
  return missing.reduce((current, edit) => apply(current, insertionFor(parseYaml(current, file), edit)), replaced);
};
