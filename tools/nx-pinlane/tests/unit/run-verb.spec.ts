import { describe, expect, it } from '@jest/globals';
import { fail } from '@pinlane/contracts';
import { runVerb } from '../../src/command/run-verb.ts';
import { verb } from '../../src/verbs/pin/verb.ts';

const run = async (work: () => never, raw: object = {}) => {
  const said = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof said) => ({ isTTY: false, write: (text: string) => ((said[name] += text), true) });
  const place = { root: '/home/me/repo', project: 'acme-echo', projectRoot: 'processors/acme-echo', verbose: false };
  const exitCode = await runVerb({ ...verb, run: async () => work() }, raw, place, { stdout: stream('stdout'), stderr: stream('stderr') } as never);
  return { exitCode, ...said };
};

describe('What a command says of an error', () => {
  it('names files as the workspace does, and the processor in the remedy', async () => {
    const { exitCode, stderr } = await run(() => fail('ERR_PIN_STALE', 'see /home/me/repo/a/b.yaml', { file: '/home/me/repo/a/b.yaml', line: 3, column: 2 }));
    expect([exitCode, stderr]).toEqual([2, 'ERR_PIN_STALE: a/b.yaml:3:2: see a/b.yaml\nfix: Build and pin anew: nx run acme-echo:pin.\n']);
  });

  it('is the same in the JSON document, and leaves other places as they are', async () => {
    const { stdout } = await run(() => fail('ERR_CONTEXT_INVALID', '/home/me/other', { fix: 'Mend it.' }), { json: true });
    expect(JSON.parse(stdout)).toEqual({
      kind: 'Error',
      schemaVersion: 1,
      problems: [{ code: 'ERR_CONTEXT_INVALID', message: '/home/me/other', fix: 'Mend it.' }],
    });
  });

  it('repeats no password that was typed, however deep in the options, on no stream', async () => {
    const raw = { build: { cacheFrom: ['type=registry,ref=http://me:hunter2pass@host.example/x'] }, json: true };
    const { stdout, stderr } = await run(() => fail('ERR_OPTION_INVALID', 'the password hunter2pass is wrong'), raw);
    expect(stdout + stderr).toContain('the password [redacted] is wrong');
    expect(stdout + stderr).not.toContain('hunter2');
  });

  it.each(['{"build":{"buildArgs":{"__proto__":"1"}}}', '{"__proto__":{"json":true}}', '{"build":[{"__proto__":1}]}'])(
    'refuses an entry that would get lost without a word: %s',
    async (raw) => {
      const { exitCode, stderr } = await run(() => fail('ERR_INTERNAL', 'it ran'), JSON.parse(raw) as object);
      expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^ERR_OPTION_INVALID: an option or an entry of one is named __proto__\n/)]);
    },
  );
});
