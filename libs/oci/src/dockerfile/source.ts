import { fail } from '@pinlane/contracts';
import { trimSpace, trimStart } from '../patterns/space.ts';
import { openDocuments, type OpenDocument } from './here-documents.ts';
import { isJsonForm, takeFlags } from './words.ts';

/** A here-document: its text without the line that ends it, each line with the end that it has in the file. */
export interface HereDocument {
  readonly name: string;
  readonly text: string;
}

/** One instruction, its continuation lines joined without the comments and the empty lines between them. */
export interface SourceInstruction {
  /** In capitals. */
  readonly keyword: string;
  readonly line: number;
  readonly column: number;
  /** What follows the keyword and the blanks behind it. */
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
/** In bytes: what the scanner of BuildKit's parser takes (Go, bufio.MaxScanTokenSize). */
const LONGEST_LINE = 64 * 1024 - 1;
/** FROM is one of them. Every one may be a layer or a stage, which cost much more than their text. */
const MOST_INSTRUCTIONS = 2000;

const DIRECTIVES = new Set(['syntax', 'escape', 'check']);

/** A text without any of some characters at its end. A regular expression would begin anew at each of them that stands elsewhere. */
const trimEnd = (text: string, characters: string): string => {
  let end = text.length;
  while (end > 0 && characters.includes(text[end - 1]!)) end -= 1;
  return text.slice(0, end);
};

const withoutEnd = (line: string): string => trimEnd(line, '\r\n');

const isComment = (line: string): boolean => trimStart(line).startsWith('#');

/** A line without the escape at its end that continues it, and the blanks behind that; undefined if it is not continued. One that is escaped itself is none. */
const continued = (line: string, escape: string): string | undefined => {
  const text = trimEnd(line, ' \t');
  return text.endsWith(escape) && text.at(-2) !== escape ? text.slice(0, -1) : undefined;
};

/** The word that an instruction begins with, and what follows the blanks behind it. Only these characters are blanks. */
const splitKeyword = (text: string): readonly [keyword: string, rest: string] => {
  const [, keyword = '', rest = ''] = /^([^\t\v\f\r ]*)[\t\v\f\r ]*([^]*)$/.exec(text)!;
  return [/^[a-z]+$/i.test(keyword) ? keyword.toUpperCase() : keyword, rest];
};

const TAKES_DOCUMENTS = new Set(['ADD', 'COPY', 'RUN']);

/** The here-documents that an instruction opens, or the one behind ONBUILD, but not behind a second one. In the JSON form there are none. */
const documentsOf = (keyword: string, rest: string, escape: string, line: string): readonly OpenDocument[] => {
  if (!line.includes('<<')) return [];
  const [own, behind] = keyword === 'ONBUILD' ? splitKeyword(takeFlags(rest, escape).rest) : [keyword, rest];
  return TAKES_DOCUMENTS.has(own) && !isJsonForm(takeFlags(behind, escape).rest) ? openDocuments(line) : [];
};

/** Reads a file from its first line to its last, as BuildKit's parser does (frontend/dockerfile/parser). */
class SourceReader {
  escape = '\\';
  syntax: string | undefined;
  readonly instructions: SourceInstruction[] = [];
  private readonly lines: readonly string[];
  private readonly file: string;
  private readonly seen = new Set<string>();
  private at = 0;
  /** Whether a parser directive may still come. */
  private directives = true;

  constructor(lines: readonly string[], file: string) {
    this.lines = lines;
    this.file = file;
    for (const [index, line] of lines.entries())
      if (line.length > LONGEST_LINE / 3 && Buffer.byteLength(line) > LONGEST_LINE) this.refuse(`is a line of more than ${LONGEST_LINE} bytes`, index);
  }

  read(): void {
    while (this.at < this.lines.length) {
      const raw = withoutEnd(this.lines[this.at]!);
      const first = trimStart(raw);
      this.at += 1;
      if (this.directives) this.directive(first);
      if (first === '' || first.startsWith('#')) continue;
      this.instruction(first, raw.length - first.length + 1);
    }
  }

  private refuse(message: string, index = this.at - 1): never {
    return fail('ERR_DOCKERFILE_SYNTAX', message, { file: this.file, line: index + 1, column: 1 });
  }

  /** Takes a line that may be a parser directive. They end with the first line that is none. */
  private directive(line: string): void {
    const [, name = '', value = ''] = (line.startsWith('#') && /^([a-z][a-z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*([^]+)$/i.exec(trimStart(line.slice(1)))) || [];
    const key = name.toLowerCase();
    this.directives = DIRECTIVES.has(key);
    if (!this.directives) return;
    if (this.seen.has(key)) this.refuse(`has the parser directive ${key} a second time`);
    this.seen.add(key);
    const text = trimEnd(value, '\t\n\f\r ');
    if (key === 'syntax') this.syntax = text.split(' ')[0];
    if (key !== 'escape') return;
    if (text !== '\\' && text !== '`') this.refuse(`the parser directive escape takes \\ or \`, not ${JSON.stringify(text.slice(0, 40))}`);
    this.escape = text;
  }

  private instruction(first: string, column: number): void {
    const line = this.at;
    if (this.instructions.length === MOST_INSTRUCTIONS) this.refuse(`has more than ${MOST_INSTRUCTIONS} instructions`);
    const text = trimSpace(this.joined(first));
    const [keyword, rest] = splitKeyword(text);
    const documents = documentsOf(keyword, rest, this.escape, text).map((document) => this.document(document, line));
    this.instructions.push({ keyword, line, column, rest, documents });
  }

  /** A line and those that continue it. */
  private joined(first: string): string {
    const parts: string[] = [];
    let line: string | undefined = first;
    while (line !== undefined) {
      const more = continued(line, this.escape);
      parts.push(more ?? line);
      line = more === undefined ? undefined : this.continuation();
    }
    return parts.join('');
  }

  /** The next line that is neither empty nor a comment. */
  private continuation(): string | undefined {
    while (this.at < this.lines.length) {
      const line = withoutEnd(this.lines[this.at]!);
      this.at += 1;
      if (!isComment(line) && trimStart(line) !== '') return line;
    }
    return undefined;
  }

  private document({ name, tabs }: OpenDocument, line: number): HereDocument {
    const from = this.at;
    for (; this.at < this.lines.length; this.at += 1) {
      const text = withoutEnd(this.lines[this.at]!);
      if ((tabs ? text.replace(/^\t+/, '') : text) !== name) continue;
      this.at += 1;
      return { name, text: this.lines.slice(from, this.at - 1).join('') };
    }
    return this.refuse(`the here-document ${JSON.stringify(name.slice(0, 100))} is not closed by a line of its own`, line - 1);
  }
}

/** The lines of a text, each with its end. */
const linesOf = (text: string): string[] => {
  const lines = text.split('\n');
  const last = lines.pop()!;
  return [...lines.map((line) => `${line}\n`), ...(last === '' ? [] : [last])];
};

/**
 * Splits a Dockerfile into its instructions, by the parser directive `escape` if there is one.
 * @throws ERR_DOCKERFILE_SYNTAX
 */
export const splitDockerfile = (text: string, file: string): DockerfileSource => {
  if (text.length > LARGEST) fail('ERR_DOCKERFILE_SYNTAX', `is larger than ${LARGEST} characters`, { file });
  if (text.includes('\0')) fail('ERR_DOCKERFILE_SYNTAX', 'holds a NUL character', { file });
  const reader = new SourceReader(linesOf(text.replace(/^\uFEFF/, '')), file);
  reader.read();
  const { escape, syntax, instructions } = reader;
  return { escape, syntax, instructions };
};
