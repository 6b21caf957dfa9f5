import { chmod, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { codeOf, errorOf, temporaryFolder } from '@pinlane/testing';
import { ask, runCredentialHelper, type Question } from '../../src/process/index.ts';

// Real processes: what takes a second may take many on a busy machine.
jest.setTimeout(60_000);

const LONG_MS = 50_000;
const node = (script: string, more: Partial<Question> = {}) => ask({ command: process.execPath, args: ['-e', script], timeoutMs: LONG_MS, ...more });

/** Leaves a process behind that keeps the output open for longer than a test may take. */
const LEAVE_BEHIND = `require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 90_000)'], { stdio: 'inherit' }).unref();`;

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

  it('keeps its time limit, and has its answer, though a process left behind keeps the output open', async () => {
    expect(await node(`${LEAVE_BEHIND} console.log("here")`, { timeoutMs: 4000 })).toMatchObject({ exitCode: 0, stdout: 'here\n', fault: null });
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
