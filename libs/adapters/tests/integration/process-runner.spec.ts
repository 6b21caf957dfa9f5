import { tmpdir } from 'node:os';
import { describe, expect, it, jest } from '@jest/globals';
import { codeOf, errorOf } from '@pinlane/testing';
import { createProcessRunner, type ProcessRequest } from '../../src/index.ts';

// Real processes and servers: what takes a second may take many on a busy machine.
jest.setTimeout(60_000);

const runner = createProcessRunner();
const node = (script: string, more: Partial<ProcessRequest> = {}) => runner.run({ command: process.execPath, args: ['-e', script], ...more });

describe('the process runner', () => {
  it('hands on arguments as they are, without a shell', async () => {
    const args = ['-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', '$HOME', 'a b', '; rm -rf /', "it's", ''];
    expect(JSON.parse((await runner.run({ command: process.execPath, args })).stdout)).toEqual(args.slice(3));
  });

  it('gives both streams, and the input to the program', async () => {
    const result = await node('process.stdin.pipe(process.stdout); console.error("to stderr")', { input: 'to stdin' });
    expect(result).toEqual({ exitCode: 0, stdout: 'to stdin', stderr: 'to stderr\n' });
  });

  it('adds, takes away and clears variables', async () => {
    const seen = async (more: Partial<ProcessRequest>): Promise<Record<string, string>> =>
      JSON.parse((await node('console.log(JSON.stringify(process.env))', more)).stdout) as Record<string, string>;
    expect((await seen({ env: { ADDED: 'yes' } }))['ADDED']).toBe('yes');
    expect(Object.keys(await seen({ env: { PATH: undefined } }))).not.toContain('PATH');
    expect(await seen({ env: { ONLY: 'this' }, cleanEnv: true })).toEqual({ ONLY: 'this' });
  });

  it('reports a failure with the exit code and the end of stderr, and without secrets', async () => {
    const script = 'for (let i = 0; i < 100; i++) console.error("line " + i); console.error("key is s3cr3t-value"); process.exit(4)';
    const error = await errorOf(() => node(script, { secrets: ['s3cr3t-value'] }));
    expect(error.code).toBe('ERR_ADAPTER');
    expect(error.message).toMatch(/exited with 4:\n(?:line \d+\n){19}key is \[redacted\]/);
    expect(error.message).not.toContain('s3cr3t-value');
  });

  it('takes an expected exit code for an answer', async () => {
    expect(await node('process.exit(3)', { expectedCodes: [3] })).toMatchObject({ exitCode: 3 });
  });

  it('says which program is missing and how to get it', async () => {
    const error = await errorOf(() => runner.run({ command: 'pinlane-no-such-program', args: [], install: 'Install it somehow.' }));
    expect(error.code).toBe('ERR_TOOL_MISSING');
    expect(error.message).toMatch(/pinlane-no-such-program is not installed[^]*fix: Install it somehow/);
  });

  it('does not call a program missing because its folder is', async () => {
    const error = await errorOf(() => node('', { cwd: `${tmpdir()}/pinlane-no-such-folder` }));
    expect(error.code).toBe('ERR_ADAPTER');
    expect(error.message).toContain('pinlane-no-such-folder');
  });

  it('ends a program that takes too long', async () => {
    const error = await errorOf(() => node('setInterval(() => {}, 1000)', { timeoutMs: 100 }));
    expect(error.message).toMatch(/ERR_ADAPTER: .*did not end within 100 ms/);
  });

  it('ends a program when it is interrupted', async () => {
    const controller = new AbortController();
    const code = codeOf(() => node('setInterval(() => {}, 1000)', { signal: controller.signal }));
    controller.abort();
    expect(await code).toBe('ERR_CANCELLED');
  });

  it('ends a program of a group with all that it started', async () => {
    const controller = new AbortController();
    // Its output is open, and so its end does not come, until the program that it started has ended too.
    const args = ['-c', 'sleep 90 & echo begun >&2; wait'];
    const work = runner.run({ command: '/bin/sh', args, group: true, signal: controller.signal, onStderr: () => controller.abort() });
    expect(await codeOf(() => work)).toBe('ERR_CANCELLED');
  });

  it('refuses to keep more output than it may', async () => {
    const error = await errorOf(() => node('process.stdout.write("x".repeat(100000))', { maxBytes: 1000 }));
    expect(error.message).toMatch(/ERR_ADAPTER: .*wrote more than is kept/);
  });
});
