import { at, must, show, type Rule } from './rule.ts';
import type { Session } from '../subject/session.ts';

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
