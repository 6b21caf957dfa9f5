import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { drain } from '@pinlane/testing';
import type { RunCredentialHelper } from '../../src/index.ts';

/** Runs a credential helper that is there and ends by itself. */
export const runHelper: RunCredentialHelper = async (program, input, { env }) => {
  const child = spawn(program, ['get'], { env: env as NodeJS.ProcessEnv, stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => undefined).end(input);
  const [stdout, [exitCode]] = await Promise.all([drain(child.stdout), once(child, 'close') as Promise<[number | null]>]);
  return { exitCode, stdout: stdout.toString('utf8') };
};
