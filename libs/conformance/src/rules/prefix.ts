import { dirname } from 'node:path';
import { fileText } from './file.ts';
import { jsonOf, at, must, mustBeError, mustSucceed, show, showList, type Rule } from './rule.ts';
import type { Session } from '../subject/session.ts';

/** Prefixes that must be refused, by the name of the rule. */
const hostile = ({ subject: { running } }: Session) => ({
  placeholder: ['runs/fixed', 'runs/{execution}'],
  parent: ['../{execution_id}', 'runs/../../{execution_id}', 'runs/{execution_id}/../../../escaped'],
  encoded: ['runs/%2e%2e/%2e%2e/%2e%2e/{execution_id}', '..%2f{execution_id}', '%2Ftmp%2F{execution_id}', '..%5c{execution_id}', '..\\{execution_id}'],
  absolute: ['/tmp/{execution_id}', '/{execution_id}', `${running.artifactsRoot}-other/{execution_id}`],
});

const refusal = (kind: keyof ReturnType<typeof hostile>, title: string): Rule => ({
  name: `prefix.${kind}`,
  title,
  check: async (session) => {
    for (const prefix of hostile(session)[kind]) {
      const { response } = await session.run({ body: { write_prefix: prefix } });
      try {
        mustBeError(response, 400, 'ERR_INPUTS');
      } catch (error) {
        throw Object.assign(error as Error, { message: `write_prefix ${show(prefix)}: ${(error as Error).message}` });
      }
    }
  },
});

export const prefixRules: readonly Rule[] = [
  refusal('placeholder', 'A write_prefix without {execution_id} is refused with 400 ERR_INPUTS'),
  refusal('parent', 'A write_prefix with .. is refused with 400 ERR_INPUTS'),
  refusal('encoded', 'A write_prefix with encoded or backward separators is refused with 400 ERR_INPUTS'),
  refusal('absolute', 'A write_prefix outside of the artifacts root is refused with 400 ERR_INPUTS'),
  {
    name: 'prefix.link',
    title: 'A write_prefix through a link that leads out of the artifacts root is refused with 400 ERR_INPUTS',
    check: async (session) => {
      await session.artifacts(session.subject.running).link('way-out', '..');
      mustBeError((await session.run({ body: { write_prefix: 'way-out/{execution_id}' } })).response, 400, 'ERR_INPUTS');
    },
  },
  {
    name: 'prefix.nothing-written',
    title: 'A request that is refused for its write_prefix leaves no file and no folder',
    check: async (session) => {
      const { running } = session.subject;
      // The folder around the root holds the root, too.
      const list = async () => new Set(await session.artifacts({ ...running, artifacts: dirname(running.artifacts) }).list(''));
      let before = await list();
      for (const prefix of Object.values(hostile(session)).flat()) {
        const { response } = await session.run({ body: { write_prefix: prefix } });
        const after = await list();
        const made = [...after].filter((path) => !before.has(path));
        // A request that was carried out breaks another rule.
        must(response.status < 400 || made.length === 0, `write_prefix ${show(prefix)} left ${showList(made)}`);
        before = after;
      }
    },
  },
  {
    name: 'prefix.absolute-inside',
    title: 'A write_prefix below the artifacts root may be absolute; index_path then is as well',
    needs: ['run.success', 'run.index-path'],
    check: async (session) => {
      const prefix = `${session.subject.running.artifactsRoot}/absolute/{execution_id}`;
      const { response, executionId, on } = await session.run({ body: { write_prefix: prefix } });
      mustSucceed(response);
      const index = at(jsonOf(response), 'index_path');
      const expected = `${prefix.replace('{execution_id}', executionId)}/outputs.json`;
      must(index === expected, `expected index_path to be ${expected}, got ${show(index)}`);
      await fileText(session, { on }, `absolute/${executionId}/outputs.json`);
    },
  },
];
