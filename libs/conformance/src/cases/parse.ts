import { acceptanceFileSchema, fail, PinlaneError, type AcceptanceCase, type Problem } from '@pinlane/contracts';
import { isNode, LineCounter, parseDocument, type Document } from 'yaml';

const MAX_BYTES = 1024 * 1024;
const ALIASES_AT_MOST = 50;

/** The place of the value at a path; if the file has none there, that of the nearest value above it. */
const placeOf = (document: Document, lines: LineCounter, path: readonly PropertyKey[]): { line: number; column: number } => {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (!isNode(node) || !node.range) continue;
    const { line, col } = lines.linePos(node.range[0]);
    return { line, column: col };
  }
  return { line: 1, column: 1 };
};

const throwAll = (problems: readonly Problem[]): void => {
  const [first, ...rest] = problems;
  if (first !== undefined) throw new PinlaneError([first, ...rest]);
};

/** Parses the text of a file of acceptance cases. @throws ERR_ACCEPTANCE_CASE_INVALID with every problem and its place */
export const parseAcceptanceFile = (text: string, file: string): readonly AcceptanceCase[] => {
  const problem = (message: string, place: { line: number; column: number }): Problem => ({ code: 'ERR_ACCEPTANCE_CASE_INVALID', message, file, ...place });
  if (Buffer.byteLength(text) > MAX_BYTES) fail('ERR_ACCEPTANCE_CASE_INVALID', `the file is larger than ${MAX_BYTES} bytes`, { file });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  throwAll(
    document.errors.map(({ message, pos }) => {
      const { line, col } = lines.linePos(pos[0]);
      return problem(message, { line, column: col });
    }),
  );
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIASES_AT_MOST });
  } catch (error) {
    throwAll([problem((error as Error).message, { line: 1, column: 1 })]);
  }
  const parsed = acceptanceFileSchema.safeParse(value);
  if (!parsed.success) {
    const of = ({ path, message }: { path: PropertyKey[]; message: string }): Problem =>
      problem(`${path.join('.') || 'the file'}: ${message}`, placeOf(document, lines, path));
    throwAll(parsed.error.issues.map(of));
    return [];
  }
  const { cases } = parsed.data;
  const names = cases.map(({ name }) => name);
  throwAll(
    names.flatMap((name, index) =>
      names.indexOf(name) === index ? [] : [problem(`two cases are named ${JSON.stringify(name)}`, placeOf(document, lines, ['cases', index, 'name']))],
    ),
  );
  return cases;
};
