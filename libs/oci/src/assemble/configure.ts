import { fail } from '@pinlane/contracts';
import type { Instruction, NamedValue } from '../dockerfile/index.ts';
import { isSpace } from '../patterns/space.ts';
import { argvOf, setEnvironment, setHealth, type Execution } from './execution.ts';
import { parsePorts, withPorts } from './ports.ts';
import type { Expand } from './stage-run.ts';
import type { StageState } from './stage-state.ts';

/** An instruction that changes no file. */
export type Configuring = Exclude<Instruction, { readonly kind: 'arg' | 'copy' | 'workdir' | 'unsupported' }>;

/** All values are expanded before the first is set. */
const expandPairs = (pairs: readonly NamedValue[], expand: Expand): [string, string][] =>
  pairs.map(({ name, value }) => [expand(name) || fail('ERR_DOCKERFILE_SYNTAX', 'a name is blank'), expand(value)]);

/** Of a stage: of each variables, labels and volumes. Every stage that stands on it has them too. */
const MOST_NAMES = 2000;
/** In characters, of what is no value of a variable or a label. */
const LONGEST = 4096;

/** What is the key of a map in an image's config: readers in JavaScript lose one, and our own refuses it. */
const asKey = (name: string, keyword: string): string =>
  name === '__proto__' ? fail('ERR_DOCKERFILE_SYNTAX', `${keyword} can not name ${name}`, { fix: 'Choose another name.' }) : name;

/** @throws ERR_DOCKERFILE_SYNTAX */
export const notTooMany = ({ size }: { readonly size: number }, what: string): void => {
  if (size > MOST_NAMES) fail('ERR_DOCKERFILE_SYNTAX', `the stage has more than ${MOST_NAMES} ${what}`);
};

const shortEnough = (value: string, keyword: string): string =>
  value.length <= LONGEST ? value : fail('ERR_DOCKERFILE_SYNTAX', `${keyword} is longer than ${LONGEST} characters with its variables expanded`);

const setVariables = ({ execution, variables }: StageState, pairs: readonly [string, string][]): void => {
  for (const [name, value] of pairs) {
    setEnvironment(execution, name, value);
    variables.set(name, value);
  }
  notTooMany(variables, 'variables');
};

const splitAtSpace = (text: string): string[] =>
  Array.from(text, (char) => (isSpace(char) ? ' ' : char))
    .join('')
    .split(' ')
    .filter(Boolean);

const expose = (execution: Execution, values: readonly string[]): void => {
  const words = [...new Set(values.flatMap((value) => splitAtSpace(shortEnough(value, 'EXPOSE'))))];
  const wrong = (word: string) => fail('ERR_DOCKERFILE_SYNTAX', `${JSON.stringify(word.slice(0, 100))} is not a port such as 8000 or 8000/udp`);
  execution.ports = withPorts(
    execution.ports,
    words.map((word) => parsePorts(word) ?? wrong(word)),
  );
};

/** Carries out an instruction that changes how a container starts, or what an image says about itself. @throws ERR_DOCKERFILE_SYNTAX */
export const configure = (state: StageState, instruction: Configuring, expand: Expand): void => {
  const { execution } = state;
  switch (instruction.kind) {
    case 'env':
      return setVariables(state, expandPairs(instruction.pairs, expand));
    case 'label':
      for (const [name, value] of expandPairs(instruction.pairs, expand)) execution.labels.set(asKey(name, 'LABEL'), value);
      return notTooMany(execution.labels, 'labels');
    case 'user':
      execution.user = shortEnough(expand(instruction.value), 'USER');
      return;
    case 'stopsignal':
      execution.stopSignal = shortEnough(expand(instruction.value), 'STOPSIGNAL');
      return;
    case 'maintainer':
      state.author = instruction.value;
      return;
    case 'expose':
      return expose(execution, instruction.values.map(expand));
    case 'volume':
      for (const value of instruction.values)
        execution.volumes.add(asKey(shortEnough(expand(value), 'VOLUME'), 'VOLUME') || fail('ERR_DOCKERFILE_SYNTAX', 'VOLUME has an empty path'));
      return notTooMany(execution.volumes, 'volumes');
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
