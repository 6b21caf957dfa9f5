import { DockerfileParser, type Heredoc, type Instruction } from 'dockerfile-ast';
import { fail } from '@pinlane/contracts';

/** A here-document: its text without the line that ends it. */
export interface HereDocument {
  readonly name: string;
  readonly text: string;
}

/** One instruction, its continuation lines joined without the comments and the empty lines between them. */
export interface SourceInstruction {
  readonly keyword: string;
  readonly line: number;
  readonly column: number;
  /** What follows the keyword, trimmed. */
  readonly rest: string;
  /** In the order in which the instruction names them. */
  readonly documents: readonly HereDocument[];
}

export interface DockerfileSource {
  readonly escape: string;
  /** The image that the parser directive `syntax` names to read the file. */
  readonly syntax: string | undefined;
  readonly instructions: readonly SourceInstruction[];
}

/** In characters. */
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

/** The here-documents of an instruction that are closed, and the line at which the first one begins; undefined if there are none. */
const documentsOf = (instruction: Instruction, lines: readonly string[]): { readonly firstLine: number; readonly documents: HereDocument[] } | undefined => {
  if (!TAKES_DOCUMENTS.has(instruction.getKeyword())) return undefined;
  // The parser's types have this method for RUN and COPY only, its code has it for every instruction.
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
 * Splits a Dockerfile into its instructions, by the parser directive `escape` if there is one.
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
