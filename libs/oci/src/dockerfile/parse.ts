import { cutOff, PinlaneError, plainLine, type Problem } from '@pinlane/contracts';
import { parseFrom, parseInstruction } from './instructions.ts';
import type { ArgInstruction, Instruction, ParsedDockerfile, Stage } from './model.ts';
import { splitDockerfile, type SourceInstruction } from './source.ts';
import { InstructionError } from './words.ts';

/** In characters: a message may quote a word, and a word may be as long as the file. */
const MESSAGE_AT_MOST = 300;

type OpenStage = Omit<Stage, 'instructions'> & { readonly instructions: Instruction[] };

/** Collects the stages of a file, and everything that is wrong. */
class Collector {
  readonly globals: ArgInstruction[] = [];
  readonly stages: OpenStage[] = [];
  readonly problems: Problem[] = [];
  private readonly file: string;
  private readonly escape: string;

  constructor(file: string, escape: string) {
    this.file = file;
    this.escape = escape;
  }

  add(source: SourceInstruction): void {
    const { line, column, keyword, rest } = source;
    try {
      if (keyword === 'FROM') {
        const text = `FROM ${rest}`;
        this.stages.push({ ...parseFrom(source, this.escape), index: this.stages.length, line, column, text, instructions: [] });
        return;
      }
      const instruction = parseInstruction(source, this.escape);
      const stage = this.stages.at(-1);
      if (stage) stage.instructions.push(instruction);
      else if (instruction.kind === 'arg') this.globals.push(instruction);
      else throw new InstructionError(`${keyword} stands before the first FROM, where only ARG may`);
    } catch (error) {
      if (!(error instanceof InstructionError)) throw error;
      this.problems.push({ code: 'ERR_DOCKERFILE_SYNTAX', message: plainLine(cutOff(error.message, MESSAGE_AT_MOST)), file: this.file, line, column });
    }
  }
}

/**
 * Parses a Dockerfile. Instructions that only Docker can carry out are parsed too; `requireEmbeddable` refuses them in the stages that are needed.
 * @param file its name in messages
 * @throws ERR_DOCKERFILE_SYNTAX with every problem
 */
export const parseDockerfile = (text: string, file: string): ParsedDockerfile => {
  const { escape, syntax, instructions } = splitDockerfile(text, file);
  const collected = new Collector(file, escape);
  for (const instruction of instructions) collected.add(instruction);
  const { globals, stages, problems } = collected;
  if (stages.length === 0 && problems.length === 0) problems.push({ code: 'ERR_DOCKERFILE_SYNTAX', message: 'has no FROM', file });
  if (problems.length > 0) throw new PinlaneError(problems as [Problem, ...Problem[]]);
  return { file, escape, syntax, globals, stages };
};
