import { acceptanceFileSchema, fail, PinlaneError, type AcceptanceCase, type Problem } from '@pinlane/contracts';
import { isNode, isScalar, Lexer, LineCounter, parseDocument, visit, type Document } from 'yaml';

/** The largest file, in bytes. */
export const CASES_BYTES_AT_MOST = 1024 * 1024;
/** The most words and marks of YAML in one file; each takes time and memory, and a file of so many holds thousands of cases. */
export const CASES_TOKENS_AT_MOST = 50_000;
/** More problems than anybody mends at once. */
const PROBLEMS_AT_MOST = 50;
const ALIASES_AT_MOST = 50;

interface Place {
  readonly line: number;
  readonly column: number;
}

/** A text, and where in it something is. */
interface Source {
  readonly document: Document;
  readonly lines: LineCounter;
}

const START: Place = { line: 1, column: 1 };

const placeAt = ({ lines }: Pick<Source, 'lines'>, offset: number): Place => {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
};

/** The place of the value at a path; if the file has none there, that of the nearest value above it. */
const placeOf = ({ document, lines }: Source, path: readonly PropertyKey[]): Place => {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return placeAt({ lines }, node.range[0]);
  }
  return START;
};

/** Something that is wrong, before it has a code and a file. */
type Found = Place & { readonly message: string };

/** Keys that stand twice in one map, or would get lost. The library's own check compares each key with each. */
const wrongKeys = ({ document, lines }: Source): Found[] => {
  const found: Found[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (key.value === '__proto__' && key.range) found.push({ message: 'the key __proto__ is not allowed', ...placeAt({ lines }, key.range[0]) });
        if (seen.has(key.value) && key.range) found.push({ message: 'Map keys must be unique', ...placeAt({ lines }, key.range[0]) });
        seen.add(key.value);
      }
    },
  });
  return found;
};

/** Names of cases that an earlier case has, too. */
const repeatedNames = (source: Source, cases: readonly AcceptanceCase[]): Found[] => {
  const seen = new Set<string>();
  return cases.flatMap(({ name }, index) => {
    const known = seen.has(name);
    seen.add(name);
    return known ? [{ message: `two cases are named ${JSON.stringify(name)}`, ...placeOf(source, ['cases', index, 'name']) }] : [];
  });
};

/** Whether a text has more tokens than are read; they are counted without being kept. */
const isTooMuch = (text: string): boolean => {
  let tokens = 0;
  for (const _ of new Lexer().lex(text)) if ((tokens += 1) > CASES_TOKENS_AT_MOST) return true;
  return false;
};

/**
 * Parses the text of a file of acceptance cases, of 1 MiB and 50 000 words and marks at most: the time that it takes grows with the text alone.
 * @throws ERR_ACCEPTANCE_CASE_INVALID with every problem and its place; of more than 50 the first
 */
export const parseAcceptanceFile = (text: string, file: string): readonly AcceptanceCase[] => {
  const problemOf = ({ message, ...place }: Found): Problem => ({ code: 'ERR_ACCEPTANCE_CASE_INVALID', message, file, ...place });
  const throwAll = <T>(issues: readonly T[], found: (issue: T) => Found): void => {
    const [first, ...rest] = issues.slice(0, PROBLEMS_AT_MOST).map((issue) => problemOf(found(issue)));
    if (first === undefined) return;
    const more = issues.length - PROBLEMS_AT_MOST;
    throw new PinlaneError([first, ...rest, ...(more > 0 ? [problemOf({ message: `and ${more} more problems`, ...START })] : [])]);
  };
  const refuse = (message: string): never => fail('ERR_ACCEPTANCE_CASE_INVALID', message, { file });

  if (Buffer.byteLength(text) > CASES_BYTES_AT_MOST) refuse(`the file is larger than ${CASES_BYTES_AT_MOST} bytes`);
  if (isTooMuch(text)) refuse(`the file has more than ${CASES_TOKENS_AT_MOST} words and marks of YAML; share the cases out among several files`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: 'error' });
  const source = { document, lines };
  throwAll(document.errors, ({ message, pos }) => ({ message, ...placeAt(source, pos[0]) }));
  throwAll(wrongKeys(source), (found) => found);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIASES_AT_MOST });
  } catch (error) {
    throwAll([error as Error], ({ message }) => ({ message, ...START }));
  }
  const { data, error } = acceptanceFileSchema.safeParse(value);
  throwAll(error?.issues ?? [], ({ path, message }) => ({ message: `${path.join('.') || 'the file'}: ${message}`, ...placeOf(source, path) }));
  const cases = data?.cases ?? [];
  throwAll(repeatedNames(source, cases), (found) => found);
  return cases;
};
