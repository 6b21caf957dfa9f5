import { DockerfileParser, type Heredoc, type Instruction } from 'dockerfile-ast';
import { fail } from '@pinlane/contracts';

/** A here-document: its text without the line that ends it. */
export interface HereDocument {
  readonly name: string;
  readonly text: string;
}

/** One instruction with its continuation lines joined, comments and empty lines between them left out. */
export interface SourceInstruction {
  readonly keyword: string;
  readonly line: number;
  readonly column: number;
  /** What follows the keyword, trimmed. */
  readonly rest: string;
  /** In the order in which they are announced. */
  readonly documents: readonly HereDocument[];
}

export interface DockerfileSource {
  readonly escape: string;
  /** The image that is to read the file, by the parser directive `syntax`. */
  readonly syntax: string | undefined;
  readonly instructions: readonly SourceInstruction[];
}

const LARGEST = 1024 * 1024;

const parse = (text: string, file: string) => {
  try {
    return DockerfileParser.parse(text);
  } catch (cause) {
    return fail('ERR_DOCKERFILE_SYNTAX', 'cannot be read as a Dockerfile', { file, cause });
  }
};

const joinLines = (lines: readonly string[], escape: string): string => {
  const continuation = escape === '`' ? /`[ \t]*$/ : /\\[ \t]*$/;
  const kept = lines.filter((line, at) => at === 0 || !/^\s*(?:#|$)/.test(line));
  return kept.map((line) => line.replace(continuation, '')).join('');
};

const TAKES_DOCUMENTS = new Set(['ADD', 'COPY', 'RUN']);

/** Here-documents that are closed; the line after the instruction's own is where the first one begins. */
const documentsOf = (instruction: Instruction, lines: readonly string[]): { readonly firstLine: number; readonly documents: HereDocument[] } | undefined => {
  if (!TAKES_DOCUMENTS.has(instruction.getKeyword())) return undefined;
  // The parser offers them for RUN and COPY by its types, and for every instruction by its code.
  const found = (instruction as unknown as { getHeredocs(): Heredoc[] }).getHeredocs().filter((each) => each.getDelimiterRange() !== null);
  const [first] = found;
  if (first === undefined) return undefined;
  const firstLine = (first.getContentRange() ?? first.getDelimiterRange()!).start.line;
  let next = firstLine;
  const documents = found.map((each) => {
    const end = each.getDelimiterRange()!.start.line;
    const own = lines.slice(next, end);
    next = end + 1;
    return { name: each.getName(), text: own.map((line) => `${line}\n`).join('') };
  });
  return { firstLine, documents };
};

/**
 * Splits a Dockerfile into its instructions, by the parser directive `escape` where there is one.
 * @throws ERR_DOCKERFILE_SYNTAX
 */
export const splitDockerfile = (text: string, file: string): DockerfileSource => {
  if (text.length > LARGEST) fail('ERR_DOCKERFILE_SYNTAX', `is larger than ${LARGEST} characters`, { file });
  if (text.includes('\0')) fail('ERR_DOCKERFILE_SYNTAX', 'holds a NUL character', { file });
  const plain = text.replace(/^\uFEFF/, '').replace(/\r\n/g, '\n');
  const document = parse(plain, file);
  const escape = document.getEscapeCharacter();
  const lines = plain.split('\n');
  const instructions = document.getInstructions().map((instruction): SourceInstruction => {
    const { start, end } = instruction.getRange();
    const after = instruction.getInstructionRange().end;
    const { firstLine = end.line + 1, documents = [] } = documentsOf(instruction, lines) ?? {};
    const own = lines.slice(after.line, firstLine);
    own[0] = (own[0] ?? '').slice(after.character);
    return { keyword: instruction.getKeyword(), line: start.line + 1, column: start.character + 1, rest: joinLines(own, escape).trim(), documents };
  });
  const syntax = document
    .getDirectives()
    .find((directive) => directive.getName().toLowerCase() === 'syntax')
    ?.getValue();
  return { escape, syntax, instructions };
};
