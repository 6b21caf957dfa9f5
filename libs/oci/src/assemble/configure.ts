import { fail } from '@pinlane/contracts';
import type { Instruction, NamedValue } from '../dockerfile/index.ts';
import { isSpace } from '../patterns/space.ts';
import { argvOf, setEnvironment, setHealth, type Execution } from './execution.ts';
import { parsePorts } from './ports.ts';
import type { Expand } from './stage-run.ts';
import type { StageState } from './stage-state.ts';

/** An instruction that changes no file. */
export type Configuring = Exclude<Instruction, { readonly kind: 'arg' | 'copy' | 'workdir' | 'unsupported' }>;

/** All values are expanded before the first is set. */
const expandPairs = (pairs: readonly NamedValue[], expand: Expand): [string, string][] =>
  pairs.map(({ name, value }) => [expand(name) || fail('ERR_DOCKERFILE_SYNTAX', 'a name is blank'), expand(value)]);

const setVariables = ({ execution, variables }: StageState, pairs: readonly [string, string][]): void => {
  for (const [name, value] of pairs) {
    setEnvironment(execution, name, value);
    variables.set(name, value);
  }
};

const splitAtSpace = (text: string): string[] =>
  Array.from(text, (char) => (isSpace(char) ? ' ' : char))
    .join('')
    .split(' ')
    .filter(Boolean);

const expose = ({ ports }: Execution, values: readonly string[]): void => {
  for (const word of values.flatMap((value) => splitAtSpace(value)))
    for (const port of parsePorts(word) ?? fail('ERR_DOCKERFILE_SYNTAX', `${JSON.stringify(word)} is not a port such as 8000 or 8000/udp`)) ports.add(port);
};

/** Carries out an instruction that changes how a container starts, or what an image says about itself. @throws ERR_DOCKERFILE_SYNTAX */
export const configure = (state: StageState, instruction: Configuring, expand: Expand): void => {
  const { execution } = state;
  switch (instruction.kind) {
    case 'env':
      return setVariables(state, expandPairs(instruction.pairs, expand));
    case 'label':
      for (const [name, value] of expandPairs(instruction.pairs, expand)) execution.labels.set(name, value);
      return;
    case 'user':
      execution.user = expand(instruction.value);
      return;
    case 'stopsignal':
      execution.stopSignal = expand(instruction.value);
      return;
    case 'maintainer':
      state.author = instruction.value;
      return;
    case 'expose':
      return expose(execution, instruction.values.map(expand));
    case 'volume':
      for (const value of instruction.values) execution.volumes.add(expand(value) || fail('ERR_DOCKERFILE_SYNTAX', 'VOLUME has an empty path'));
      return;
    case 'entrypoint':
      execution.entrypoint = argvOf(instruction.command, execution);
      if (!execution.cmdIsOwn) execution.cmd = undefined;
      return;
    case 'cmd':
      execution.cmd = argvOf(instruction.command, execution);
      execution.cmdIsOwn = true;
      return;
    case 'shell':
      execution.shell = [...instruction.argv];
      return;
    case 'healthcheck':
      return setHealth(execution, instruction.check);
  }
};
