import { isDeepStrictEqual } from 'node:util';
import { fail } from '@pinlane/contracts';
import { CORE_SCHEMA, load } from 'js-yaml';
import type { Stage } from './stages.ts';

/** The workflow of a lane, as act can run it. */
export interface LaneWorkflow {
  readonly file: string;
  /** Its text without what act refuses. */
  readonly text: string;
  /** The jobs in their order, by their ids. */
  readonly jobs: readonly { readonly id: string; readonly name: string }[];
  /** The actions that it uses, as it writes them. */
  readonly actions: readonly string[];
  /** The labels of the runners that it asks for. */
  readonly runners: readonly string[];
  /** The names of the secrets that its text has. */
  readonly secrets: readonly string[];
}

/** The event that sets off the workflow of a lane. */
export const eventOf = (stage: Stage): 'pull_request' | 'push' => (stage === 'pr' ? 'pull_request' : 'push');

const unfit = (message: string, file: string): never => fail('ERR_REHEARSAL_UNFIT', message, { file });
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
const record = (value: unknown): Readonly<Record<string, unknown>> => (isRecord(value) ? value : {});

const parsed = (text: string, file: string): Readonly<Record<string, unknown>> => {
  try {
    return record(load(text, { schema: CORE_SCHEMA }));
  } catch (thrown) {
    return unfit(`it is not YAML: ${(thrown as Error).message.split('\n')[0]}`, file);
  }
};

/** The same workflow without the one key that act does not know. @throws ERR_REHEARSAL_UNFIT if more than that would differ */
const withoutQueue = (text: string, file: string): string => {
  const copy = text.replaceAll(/^[ \t]+queue:[ \t]*max[ \t]*(?:#.*)?\n/gm, '');
  const { concurrency, ...rest } = parsed(text, file);
  const { queue: _queue, ...kept } = record(concurrency);
  const wanted = isRecord(concurrency) ? { ...rest, concurrency: kept } : parsed(text, file);
  return isDeepStrictEqual(parsed(copy, file), wanted) ? copy : unfit('without the line `queue: max` of its concurrency more than that would differ', file);
};

const isOf = (workflow: Readonly<Record<string, unknown>>, stage: Stage): boolean => {
  const { on, env } = workflow;
  const event = eventOf(stage);
  const listens = on === event || (Array.isArray(on) && on.includes(event)) || (isRecord(on) && event in on);
  return listens && record(env)['PINLANE_LANE'] === stage;
};

const read = (file: string, original: string): LaneWorkflow => {
  const text = withoutQueue(original, file);
  const entries = Object.entries(record(parsed(text, file)['jobs'])).map(([id, job]) => [id, record(job)] as const);
  const steps = entries.flatMap(([, { steps: list }]) => (Array.isArray(list) ? list.map(record) : []));
  const texts = (values: readonly unknown[]): string[] => [...new Set(values.filter((each) => typeof each === 'string'))];
  return {
    file,
    text,
    jobs: entries.map(([id, { name }]) => ({ id, name: typeof name === 'string' ? name : id })),
    actions: texts(steps.map(({ uses }) => uses)),
    runners: texts(entries.map(([, job]) => job['runs-on'])),
    secrets: [...new Set([...text.matchAll(/\bsecrets\.(\w+)/g)].map(([, name = '']) => name))].filter((name) => name !== 'GITHUB_TOKEN'),
  };
};

/**
 * Finds the workflow of a lane among those of a commit: the one that its event sets off, and that sets PINLANE_LANE to it.
 * @param texts the texts of all workflows by their paths
 * @throws ERR_REHEARSAL_UNFIT if there is none, or more than one
 */
export const workflowOf = (stage: Stage, texts: ReadonlyMap<string, string>): LaneWorkflow => {
  const found = [...texts].filter(([file, text]) => isOf(parsed(text, file), stage));
  const [only] = found;
  if (only !== undefined && found.length === 1) return read(...only);
  const names = found.map(([file]) => file).join(' and ');
  const what = `of ${eventOf(stage)} with PINLANE_LANE: ${stage} in its env`;
  return unfit(only === undefined ? `there is no workflow ${what}` : `${names} are workflows ${what}, and there is to be one`, '.github/workflows');
};
