import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { fail } from '@pinlane/contracts';
import { temporaryFolder } from '@pinlane/testing';
import { runVerb } from '../../src/command/run-verb.ts';
import { verb } from '../../src/verbs/pin/verb.ts';

const run = async (work: () => never, raw: object = {}, env: Readonly<Record<string, string>> = {}) => {
  const said = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof said) => ({ isTTY: false, write: (text: string) => ((said[name] += text), true) });
  const place = { root: '/home/me/repo', project: 'acme-echo', projectRoot: 'processors/acme-echo', verbose: false };
  const exitCode = await runVerb({ ...verb, run: async () => work() }, raw, place, {
    streams: { stdout: stream('stdout'), stderr: stream('stderr') },
    env,
    signal: new AbortController().signal,
  });
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

describe('What GitHub Actions is told', () => {
  const stale = () => fail('ERR_PIN_STALE', 'parted', { file: '/home/me/repo/a/b.yaml', line: 3 });

  it('is an annotation at the line, and nothing of it elsewhere', async () => {
    expect((await run(stale, {}, { GITHUB_ACTIONS: 'true' })).stderr).toContain('\n::error file=a/b.yaml,line=3,title=ERR_PIN_STALE::parted%0Afix: ');
    expect((await run(stale)).stderr).not.toContain('::error');
  });

  it('is in the summary of the step, as it is, and without what was typed', async () => {
    const file = join(temporaryFolder('summary'), 'summary.md');
    const raw = { registry: 'http://me:hunter2pass@host.example/x' };
    const { exitCode } = await run(() => fail('ERR_OPTION_INVALID', '# hunter2pass\n<b>'), raw, { GITHUB_STEP_SUMMARY: file });
    const told = readFileSync(file, 'utf8');
    expect(told).toMatch(/^#### ❌ acme-echo: pin\n\n {4}ERR_OPTION_INVALID: # \[redacted\]\n {4}<b>\n {4}fix: /);
    expect(exitCode).toBe(1);
  });

  it('changes no verdict where there is no summary to be written', async () => {
    expect((await run(stale, {}, { GITHUB_STEP_SUMMARY: '/nowhere/at/all' })).exitCode).toBe(2);
  });
});
