import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningProcessor } from '@pinlane/contracts';
import { at, must, notJudged, show, textOf, type Rule } from './rule.ts';
import type { Session } from '../subject/session.ts';
import { listFiles } from '../subject/files.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'];

const linesOf = ({ subject }: Session): string[] => subject.running.stderr().split('\n').filter(Boolean);
const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
};

/** What is wrong with a line of the log; null if nothing is. */
const lineProblem = (line: string, environment: string): string | null => {
  const fields = parsed(line);
  const [ts, level, event, service, env] = ['ts', 'level', 'event', 'service', 'env'].map((key) => at(fields, key));
  if (typeof ts !== 'string' || Number.isNaN(Date.parse(ts))) return 'ts is not a time';
  if (typeof level !== 'string' || !LEVELS.includes(level)) return `level is not one of ${LEVELS.join(', ')}`;
  if (typeof event !== 'string' || event === '') return 'event is missing';
  if (typeof service !== 'string' || service === '') return 'service is missing';
  return env === environment ? null : `env is not ${environment}`;
};

export const logRules: readonly Rule[] = [
  {
    name: 'logs.ndjson',
    title: 'The log is on stderr, one JSON object a line',
    needs: ['run.success'],
    check: async (session) => {
      const lines = linesOf(session);
      must(lines.length > 0, 'nothing was written to stderr, though something ran');
      const other = lines.find((line) => typeof parsed(line) !== 'object' || parsed(line) === null);
      must(other === undefined, `this line is no JSON object: ${show(other)}`);
    },
  },
  {
    name: 'logs.fields',
    title: 'Every line of the log has ts, level, event, service and env',
    needs: ['logs.ndjson'],
    check: async (session) => {
      for (const line of linesOf(session)) {
        const problem = lineProblem(line, session.subject.environment);
        must(problem === null, `${problem}: ${show(line)}`);
      }
    },
  },
];

/** The forms in which a value is printed by accident. */
const formsOf = (value: string): string[] => [value, Buffer.from(value).toString('base64').replace(/=+$/, ''), Buffer.from(value).toString('hex')];

const leaked = ({ canaries }: Session, text: string): string[] =>
  Object.entries(canaries).flatMap(([name, value]) => (formsOf(value).some((form) => text.includes(form)) ? [name] : []));

const exercised = new WeakMap<Session, Promise<RunningProcessor>>();
const REAL_PATIENCE_MS = 5000;

/** Uses a processor that has every secret in each way that could leak one. The real run is left out unless the network is blocked. */
const exercise = async (session: Session): Promise<RunningProcessor> => {
  const on = await session.variant('canaries');
  await session.run({ on });
  await session.run({ on, path: '/run-stream' });
  await session.run({ on, body: { inputs: { schema: 'v0', params: null } } });
  // It fails without a network, or takes too long; either is fine here, where only leaks are looked for.
  if (session.subject.egress.blocked) await session.run({ on, body: { mode: 'real' }, timeoutMs: REAL_PATIENCE_MS }).catch(() => null);
  return on;
};

const withCanaries = (session: Session): Promise<RunningProcessor> => {
  if (Object.keys(session.canaries).length === 0) notJudged('registry.yaml declares no secret');
  const known = exercised.get(session) ?? exercise(session);
  exercised.set(session, known);
  return known;
};

const mustNotLeak = (session: Session, where: string, text: string): void => {
  const names = leaked(session, text);
  must(names.length === 0, `${where} holds the value of ${names.join(', ')}`);
};

export const secretRules: readonly Rule[] = [
  {
    name: 'secrets.logs',
    title: 'The value of a secret is never in the log',
    check: async (session) => mustNotLeak(session, 'the log', (await withCanaries(session)).logs()),
  },
  {
    name: 'secrets.answers',
    title: 'The value of a secret is never in an answer',
    check: async (session) => {
      const on = await withCanaries(session);
      const bodies = session.answers.filter((answer) => answer.on === on).map(({ response }) => `${JSON.stringify(response.headers)}${textOf(response)}`);
      mustNotLeak(session, 'an answer', bodies.join('\n'));
    },
  },
  {
    name: 'secrets.files',
    title: 'The value of a secret is never in a file',
    check: async (session) => {
      const { artifacts } = await withCanaries(session);
      for (const path of await listFiles(artifacts)) mustNotLeak(session, path, `${path}\n${(await readFile(join(artifacts, path))).toString('latin1')}`);
    },
  },
];
