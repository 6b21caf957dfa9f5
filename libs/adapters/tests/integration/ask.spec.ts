import { chmod, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { codeOf, errorOf, processesWith, temporaryFolder } from '@pinlane/testing';
import { ask, runCredentialHelper, type Question } from '../../src/process/index.ts';

// Real processes: what takes a second may take many on a busy machine.
jest.setTimeout(60_000);

const LONG_MS = 50_000;
const node = (script: string, more: Partial<Question> = {}) => ask({ command: process.execPath, args: ['-e', script], timeoutMs: LONG_MS, ...more });

/** Leaves a process behind that keeps the output open for longer than a test may take. */
const LEAVE_BEHIND = `require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 90_000)'], { stdio: 'inherit' }).unref();`;

/** Waits until something holds; the test's own time is the limit. */
const eventually = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await setTimeout(20);
};

/** Whether a process of a group runs; one that has ended and that nobody has asked about does not. */
const isGroupAlive = (group: number): boolean =>
  processesWith((text) => {
    const [state, , id] = text.replace(/^.*\) /s, '').split(' ');
    return Number(id) === group && state !== 'Z';
  }, 'stat').size > 0;

describe('A question to a program', () => {
  it('is answered with the exit code and both streams, whatever the code is', async () => {
    const answer = await node('process.stdin.pipe(process.stdout); console.error("no"); process.exitCode = 3', { input: 'yes' });
    expect(answer).toMatchObject({ exitCode: 3, stdout: 'yes', stderr: 'no\n', fault: null });
  });

  it('finds stdin empty if it hands on nothing', async () => {
    expect(await node('process.stdin.on("data", () => {}).on("end", () => console.log("end"))')).toMatchObject({ stdout: 'end\n' });
  });

  it('bears a program that is gone before it has read its input', async () => {
    expect(await node('process.exit(0)', { input: 'x'.repeat(1_000_000) })).toMatchObject({ exitCode: 0, fault: null });
  });

  it('names the fault of a program that is not there, cannot be started, is late, or says too much', async () => {
    expect(await ask({ command: 'pinlane-no-such-program', args: [], timeoutMs: LONG_MS })).toMatchObject({ exitCode: null, fault: 'missing' });
    expect(await ask({ command: tmpdir(), args: [], timeoutMs: LONG_MS })).toMatchObject({ fault: 'unstartable', errorCode: 'EACCES' });
    expect(await node('console.log("begun"); setInterval(() => {}, 1000)', { timeoutMs: 2000 })).toMatchObject({ exitCode: null, fault: 'late' });
    expect(await node('process.stdout.write("x".repeat(100_000)); setInterval(() => {}, 1000)', { maxBytes: 1000 })).toMatchObject({ fault: 'too long' });
  });

  it('ends when nobody wants the answer any more, and is not asked at all if that is known before', async () => {
    const stop = new AbortController();
    const asked = node('setInterval(() => {}, 1000)', { signal: stop.signal });
    stop.abort();
    expect((await asked).fault).toBe('aborted');
    expect((await node('', { signal: stop.signal })).fault).toBe('aborted');
  });

  it('has its answer when the program has ended, though a process left behind keeps the output open', async () => {
    expect(await node(`${LEAVE_BEHIND} console.log("here")`)).toMatchObject({ exitCode: 0, stdout: 'here\n', fault: null });
    expect(await node(`${LEAVE_BEHIND} process.kill(process.pid, 'SIGKILL')`)).toMatchObject({ exitCode: null, fault: null });
  });
});

describe('Many questions at once', () => {
  it('take one listener for the end of this process, since Node warns of more than ten, and give it back', async () => {
    const before = process.listenerCount('exit');
    const answers = Array.from({ length: 15 }, () => node('setTimeout(() => {}, 100)'));
    expect(process.listenerCount('exit')).toBe(before + 1);
    expect((await Promise.all(answers)).map(({ exitCode }) => exitCode)).toEqual(Array.from({ length: 15 }, () => 0));
    expect(process.listenerCount('exit')).toBe(before);
  });
});

describe('A credential helper', () => {
  let folder: string;
  beforeEach(() => {
    folder = temporaryFolder('helper');
  });

  const helper = async (script: string): Promise<string> => {
    const path = join(folder, 'docker-credential-test');
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  };

  it('is run with get, and finds the server on stdin and nowhere else', async () => {
    const program = await helper('echo "$@:$(cat):$SEEN"');
    expect(await runCredentialHelper(program, 'registry.test', { env: { ...process.env, SEEN: 'yes' } })).toEqual({
      exitCode: 0,
      stdout: 'get:registry.test:yes\n',
    });
  });

  it('answers with its exit code, or with none if it takes too long, also while a child of its own keeps the pipe open', async () => {
    expect(await runCredentialHelper(await helper('echo credentials not found; exit 1'), 'a')).toEqual({ exitCode: 1, stdout: 'credentials not found\n' });
    expect(await runCredentialHelper(await helper('sleep 90'), 'a', { timeoutMs: 500 })).toMatchObject({ exitCode: null });
  });

  /** What a helper does, and what comes of it. All of them start a process that would go on for longer than the test may take. */
  const HOSTILE: [string, string, { readonly timeoutMs?: number; readonly abort?: true }, unknown][] = [
    ['ends, while its child keeps the pipe open', 'sleep 300 & echo said', {}, { exitCode: 0, stdout: 'said\n' }],
    ['waits for its child', 'sleep 300 & wait', { timeoutMs: 2000 }, { exitCode: null }],
    ['and its child ignore SIGTERM', 'trap "" TERM; (trap "" TERM; sleep 300) & sleep 300', { timeoutMs: 2000 }, { exitCode: null }],
    ['floods its output', 'sleep 300 & yes', {}, { exitCode: null }],
    ['floods its errors', 'sleep 300 & yes >&2', {}, { exitCode: null }],
    ['leaves the flood to its child', 'sleep 300 & yes & exit 0', {}, { exitCode: null }],
    ['reads nothing of its input', 'exec <&-; sleep 300 & wait', { timeoutMs: 2000 }, { exitCode: null }],
    ['is interrupted', 'trap "" TERM; sleep 300 & wait', { abort: true }, 'ERR_CANCELLED'],
  ];

  it.each(HOSTILE)('that %s has its end, and nothing of it goes on running', async (_, script, { timeoutMs, abort }, expected) => {
    const pids = join(folder, 'pids');
    // Each process that the script starts is in the group of the shell.
    const program = await helper(`echo $$ > ${pids}; ${script}`);
    const stop = new AbortController();
    const asked = runCredentialHelper(program, 'a'.repeat(100_000), { signal: stop.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    if (abort) await eventually(async () => (await readFile(pids, 'utf8').catch(() => '')).endsWith('\n')).then(() => stop.abort());
    if (typeof expected === 'string') expect(await codeOf(() => asked)).toBe(expected);
    else expect(await asked).toMatchObject(expected as object);
    const group = Number(await readFile(pids, 'utf8'));
    await eventually(async () => !isGroupAlive(group));
  });

  it('says that it is not installed, cannot be started, or was interrupted, and repeats nothing that it said', async () => {
    expect(await codeOf(() => runCredentialHelper('docker-credential-pinlane-none', 'a'))).toBe('ERR_TOOL_MISSING');
    expect(await codeOf(() => runCredentialHelper(folder, 'a'))).toBe('ERR_REGISTRY_AUTH');
    const stop = new AbortController();
    const asked = runCredentialHelper(await helper('echo s3cr3t; sleep 20'), 'a', { signal: stop.signal });
    stop.abort();
    const failure = await errorOf(() => asked);
    expect(failure.code).toBe('ERR_CANCELLED');
    expect(String(failure)).not.toContain('s3cr3t');
  });
});
