import {
  isAlias,
  isCollection,
  isDocument,
  isMap,
  isPair,
  isScalar,
  Lexer,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { PinlaneError, type Problem } from '@pinlane/contracts';

/** The largest registry.yaml that is read, in characters. */
export const SPEC_LIMIT = 1024 * 1024;

/** How many words and marks of YAML are read: keys, values, colons, commas, ends of lines. The parser takes some microseconds for each. */
export const TOKEN_LIMIT = 50_000;

/** How many faults of one file are reported at most. */
const FAULT_LIMIT = 50;

/** A YAML document without any feature that is refused, and the text it was parsed from. */
export interface YamlSource {
  readonly file: string;
  readonly text: string;
  readonly document: Document.Parsed;
  /** Line and column, both from 1, of an offset in the text. */
  at(offset: number): { readonly line: number; readonly column: number };
}

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** Throws all the problems, if there are any. */
export const throwAll = (problems: readonly Problem[]): void => {
  if (problems.length > 0) throw new PinlaneError(problems as [Problem, ...Problem[]]);
};

const startOf = (node: unknown): number => ((node as Node | undefined)?.range ?? [0])[0] ?? 0;

const repeatedKeys = (map: YAMLMap): Scalar[] => {
  const seen = new Set<unknown>();
  return map.items.flatMap(({ key }) => (isScalar(key) && seen.size === seen.add(key.value).size ? [key] : []));
};

/** What is wrong with a value that JSON can't express, and so the projection can't. */
const unspeakable = (value: unknown): [message: string, fix: string][] => [
  ...(typeof value === 'number' && !Number.isFinite(value)
    ? [['a number is infinite or none', 'Write a finite number, or quote it.'] as [string, string]]
    : []),
  ...(typeof value === 'string' && /\p{Surrogate}/u.test(value) ? [['a text holds half a character', 'Write the whole character.'] as [string, string]] : []),
];

/** Something that is wrong at an offset of a text. */
interface Fault {
  readonly offset: number;
  readonly message: string;
  readonly fix?: string | undefined;
}

/** Finds the features of YAML that are refused, because people read them differently from parsers. */
const misuses = (document: Document.Parsed): Fault[] => {
  const found: Fault[] = [];
  const add = (node: unknown, message: string, fix: string) => found.push({ offset: startOf(node), message, fix });
  visit(document, {
    Alias: (_, node) => add(node, `the alias *${node.source.slice(0, 50)} is not allowed`, 'Write the value out.'),
    Node: (_, node) => {
      if (isDocument(node) || isAlias(node)) return;
      if (isMap(node)) repeatedKeys(node).forEach((key) => add(key, `the key ${JSON.stringify(key.value)?.slice(0, 100)} is there twice`, 'Keep one of them.'));
      if (isScalar(node)) unspeakable(node.value).forEach(([message, fix]) => add(node, message, fix));
      if (isScalar(node) || isCollection(node)) {
        if (node.anchor !== undefined) add(node, `the anchor &${node.anchor.slice(0, 50)} is not allowed`, 'Remove the anchor and write values out.');
        if (node.tag !== undefined) add(node, 'a YAML tag is not allowed', 'Remove the tag.');
      }
    },
    Pair: (_, pair) => {
      if (!isPair(pair)) return;
      if (!isScalar(pair.key)) return (add(pair.key, 'a key is not plain text', 'Write the key as one word.'), undefined);
      const { value } = pair.key;
      if (value === '<<') add(pair.key, 'the merge key << is not allowed', 'Write the values out.');
      else if (typeof value !== 'string') add(pair.key, `the key ${JSON.stringify(value)} is not text`, 'Put the key into quotes.');
      else if (FORBIDDEN_KEYS.has(value)) add(pair.key, `the key ${value} is not allowed`, 'Choose another key.');
    },
  });
  return found;
};

/** Runs some work in which errors are made that nobody throws, and leaves out their stacks, which take most of its time. */
const withoutStacks = <T>(work: () => T): T => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
};

/** Whether a text has more tokens than are read; no more of it is looked at than has as many. */
const hasTooManyTokens = (text: string): boolean => {
  let count = 0;
  for (const _ of new Lexer().lex(text)) if (++count > TOKEN_LIMIT) return true;
  return false;
};

const parse = (text: string, lines: LineCounter): Document.Parsed =>
  parseDocument(text, {
    version: '1.2',
    schema: 'core',
    strict: true,
    // The parser would compare every key with every other, which takes minutes for a file of a megabyte. `repeatedKeys` looks keys up in a set instead.
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    lineCounter: lines,
    logLevel: 'error',
  });

/** What the parser found, or if that is nothing, the features that are refused. */
const faultsOf = (document: Document.Parsed): Fault[] => {
  const found: Fault[] = [...document.errors, ...document.warnings].map(({ pos, code, message }) => ({
    offset: pos[0],
    message: message.split('\n')[0] as string,
    fix: code === 'TAB_AS_INDENT' ? 'Indent with spaces.' : undefined,
  }));
  const { yaml } = document.directives ?? {};
  if (yaml?.explicit && yaml.version !== '1.2')
    found.push({ offset: 0, message: `YAML ${yaml.version} is not read`, fix: 'Remove the %YAML line; YAML 1.2 is read.' });
  return found.length > 0 ? found : misuses(document);
};

/** Parses a text and finds its faults. @throws ERR_REGISTRY_SYNTAX if it is nested too deeply */
const parseAndCheck = (text: string, lines: LineCounter, file: string): { readonly document: Document.Parsed; readonly faults: Fault[] } => {
  try {
    const document = withoutStacks(() => parse(text, lines));
    if (document.errors.some(({ message }) => message.includes('call stack'))) throw new RangeError('nested too deeply');
    return { document, faults: faultsOf(document) };
  } catch (error) {
    // The parser is recursive, and no real registry.yaml is nested so deeply that it exhausts the stack.
    if (!(error instanceof RangeError)) throw error;
    throw new PinlaneError({ code: 'ERR_REGISTRY_SYNTAX', file, message: 'the document is nested too deeply' });
  }
};

const parseStrictly = (text: string, file: string): YamlSource => {
  if (text.length > SPEC_LIMIT)
    throw new PinlaneError({ code: 'ERR_REGISTRY_TOO_LARGE', file, message: `the file has ${text.length} characters; ${SPEC_LIMIT} are read` });
  // A text in which each token is as short as it can be has two characters for each.
  if (text.length > TOKEN_LIMIT / 2 && hasTooManyTokens(text))
    throw new PinlaneError({ code: 'ERR_REGISTRY_TOO_LARGE', file, message: `the file has more than ${TOKEN_LIMIT} words and marks of YAML` });
  const lines = new LineCounter();
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const asProblem = ({ offset, message, fix }: Fault): Problem => ({
    code: 'ERR_REGISTRY_SYNTAX',
    file,
    ...at(offset),
    message,
    ...(fix === undefined ? {} : { fix }),
  });
  const { document, faults } = parseAndCheck(text, lines, file);
  throwAll(faults.slice(0, FAULT_LIMIT).map(asProblem));
  if (!isMap(document.contents)) throwAll([asProblem({ offset: 0, message: 'the document is not a mapping', fix: 'Begin with ref: namespace/name@major.' })]);
  return { file, text, document, at };
};

// The last two texts, because a pin parses the text before and after its edit several times, and that is most of its time.
let latest: readonly YamlSource[] = [];

/**
 * Parses YAML 1.2 without aliases, anchors, merge keys, tags, duplicate keys or further documents. The same text gives the same document again, so
 * nobody may change it.
 * @throws ERR_REGISTRY_TOO_LARGE, ERR_REGISTRY_SYNTAX with every problem's place
 */
export const parseYaml = (text: string, file: string): YamlSource => {
  const known = latest.find((source) => source.text === text && source.file === file);
  const source = known ?? parseStrictly(text, file);
  latest = [source, ...latest.filter((each) => each !== source)].slice(0, 2);
  return source;
};
