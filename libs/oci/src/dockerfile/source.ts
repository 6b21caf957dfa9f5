import { DockerfileParser } from 'dockerfile-ast';
import { fail } from '@pinlane/contracts';

/** One instruction with its continuation lines joined, comments and empty lines between them left out. */
export interface SourceInstruction {
  readonly keyword: string;
  readonly line: number;
  readonly column: number;
  /** What follows the keyword, trimmed. */
  readonly rest: string;
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
    const own = lines.slice(after.line, end.line + 1);
    own[0] = (own[0] ?? '').slice(after.character);
    return { keyword: instruction.getKeyword(), line: start.line + 1, column: start.character + 1, rest: joinLines(own, escape).trim() };
  });
  const syntax = document
    .getDirectives()
    .find((directive) => directive.getName().toLowerCase() === 'syntax')
    ?.getValue();
  return { escape, syntax, instructions };
};
