import type { RunningProcessor } from '@pinlane/contracts';
import { must, notJudged, show, textOf, type Rule } from './rule.ts';
import type { Session } from '../subject/session.ts';

/** The forms in which a value is printed by accident. */
const formsOf = (value: string): string[] => [value, Buffer.from(value).toString('base64').replace(/=+$/, ''), Buffer.from(value).toString('hex')];

/** Looks for the values of secrets in bytes that come piece by piece. */
const leakSearch = ({ canaries }: Session) => {
  const forms = Object.entries(canaries).flatMap(([name, value]) => formsOf(value).map((form) => ({ name, form: Buffer.from(form) })));
  const overlap = Math.max(0, ...forms.map(({ form }) => form.length - 1));
  const names = new Set<string>();
  let rest: Buffer = Buffer.alloc(0);
  return {
    take: (piece: Buffer): void => {
      const bytes = Buffer.concat([rest, piece]);
      for (const { name, form } of forms) if (bytes.includes(form)) names.add(name);
      rest = bytes.subarray(Math.max(0, bytes.length - overlap));
    },
    found: (): readonly string[] => [...names],
  };
};

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

const mustName = (names: readonly string[], where: string): void => must(names.length === 0, `${where} holds the value of ${names.join(', ')}`);

const mustNotLeak = (session: Session, where: string, text: string): void => {
  const search = leakSearch(session);
  search.take(Buffer.from(text));
  mustName(search.found(), where);
};

export const secretRules: readonly Rule[] = [
  {
    name: 'secrets.logs',
    title: 'The value of a secret is never in the log',
    check: async (session) => {
      const on = await withCanaries(session);
      mustNotLeak(session, 'the log', on.logs());
      must(on.unkeptLogBytes() === 0, `it wrote so much that the first ${on.unkeptLogBytes()} bytes of its log were not kept, where a value may have been`);
    },
  },
  {
    name: 'secrets.answers',
    title: 'The value of a secret is never in an answer',
    check: async (session) => {
      const on = await withCanaries(session);
      for (const { response } of session.answers.filter((answer) => answer.on === on))
        mustNotLeak(session, 'an answer', `${JSON.stringify(response.headers)}${textOf(response)}`);
    },
  },
  {
    name: 'secrets.files',
    title: 'The value of a secret is never in a file',
    check: async (session) => {
      const artifacts = session.artifacts(await withCanaries(session));
      await artifacts.visit('', async ({ path, content }) => {
        const search = leakSearch(session);
        search.take(Buffer.from(`${path}\n`));
        await content(search.take);
        mustName(search.found(), show(path));
      });
    },
  },
];
