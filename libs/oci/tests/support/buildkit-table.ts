import type { Instruction, ParsedDockerfile } from '../../src/index.ts';

/** What was asked of BuildKit's parser and lexer, and what they said; the program beside the table writes it. */
export interface BuildkitTable {
  readonly buildkit: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What is parsed is JSON in the form of `inTableForm`; null if it is refused. */
  readonly files: readonly { readonly text: string; readonly parsed: string | null }[];
  readonly words: readonly { readonly text: string; readonly escape: string; readonly expanded: string | null }[];
}

const pairsOf = (pairs: readonly { readonly name: string; readonly value: string | undefined }[]) => pairs.map(({ name, value }) => [name, value ?? null]);

const commandOf = (instruction: Instruction): unknown => {
  switch (instruction.kind) {
    case 'env':
    case 'label':
      return [instruction.kind.toUpperCase(), pairsOf(instruction.pairs)];
    case 'arg':
      return ['ARG', pairsOf(instruction.entries)];
    case 'copy': {
      const { keyword, from = '', chown = '', chmod = '', sources, documents, destination } = instruction;
      return [keyword, from, chown, chmod, sources, documents.map(({ name, text, expand }) => [name, text, expand]), destination];
    }
    case 'cmd':
    case 'entrypoint': {
      const { command } = instruction;
      return [instruction.kind.toUpperCase(), command.form, command.form === 'exec' ? command.argv : command.line];
    }
    case 'expose':
      return ['EXPOSE', [...instruction.values].sort()];
    case 'volume':
      return ['VOLUME', instruction.values];
    case 'shell':
      return ['SHELL', instruction.argv];
    case 'healthcheck': {
      if (instruction.check === 'none') return ['HEALTHCHECK', ['NONE'], 0, 0, 0, 0, 0];
      const { command, times } = instruction.check;
      const test = command.form === 'exec' ? ['CMD', ...command.argv] : ['CMD-SHELL', command.line];
      return ['HEALTHCHECK', test, times.Interval ?? 0, times.Timeout ?? 0, times.StartPeriod ?? 0, times.StartInterval ?? 0, times.Retries ?? 0];
    }
    case 'unsupported':
      return ['unsupported'];
    default:
      return [instruction.kind.toUpperCase(), instruction.value];
  }
};

/** A parsed file in the form that the table has. */
export const inTableForm = ({ escape, globals, stages }: ParsedDockerfile): unknown => [
  escape,
  globals.map(commandOf),
  stages.map(({ image, name = '', platform = '', instructions }) => [image, name, platform, instructions.map(commandOf)]),
];
