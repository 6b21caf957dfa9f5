import type { Instruction, Origin, ParsedDockerfile, ResolvedStage } from '../dockerfile/index.ts';
import { expandAt } from '../dockerfile/variables.ts';
import type { FileBytes } from './file-bytes.ts';
import type { StageState } from './stage-state.ts';
import type { FileTree } from './tree.ts';

/** One stage that is carried out, and what its instructions reach beyond it. */
export interface StageRun {
  readonly parsed: ParsedDockerfile;
  readonly resolved: ResolvedStage;
  readonly state: StageState;
  readonly globals: ReadonlyMap<string, string>;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly files: FileBytes;
  /** How much the here-documents of all stages have come to. */
  readonly inline: { characters: number };
  /** The files of an earlier stage or an image. */
  filesOf(origin: Origin): Promise<FileTree>;
}

/** The value of a variable at this point of the stage. */
export const variablesOf =
  ({ state }: StageRun) =>
  (name: string): string | undefined =>
    state.variables.get(name);

/** Expands a word of an instruction. */
export type Expand = (raw: string) => string;

/** @returns what expands the words of an instruction; it throws ERR_DOCKERFILE_SYNTAX and ERR_DOCKERFILE_UNSUPPORTED with the place */
export const expanderOf = (run: StageRun, { line, column }: Instruction): Expand => {
  const { file, escape } = run.parsed;
  return (raw) => expandAt(raw, variablesOf(run), escape, { file, line, column });
};
