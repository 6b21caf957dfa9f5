import { spawn } from 'node:child_process';
import * as z from 'zod';
import { fail } from '@pinlane/contracts';
import type { Credentials } from './credentials.ts';

const answerSchema = z.object({ Username: z.string(), Secret: z.string() });

const TIMEOUT_MS = 30_000;
const OUTPUT_LIMIT = 64 * 1024;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
}

const run = (program: string, input: string, env: NodeJS.ProcessEnv): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
    // Not spawn's own `timeout`: where the program does not start, its timer goes on and keeps the process from ending.
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    const ended =
      <T>(settle: (value: T) => void) =>
      (value: T): void => {
        clearTimeout(timer);
        settle(value);
      };
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.length > OUTPUT_LIMIT) child.kill('SIGKILL');
    });
    // A helper that does not read its input may be gone before it is written.
    child.stdin.on('error', () => undefined).end(input);
    child.on('error', ended(reject)).on('close', (code) => ended(resolve)({ code, stdout }));
  });

/**
 * Asks `docker-credential-<name> get` for the credentials of a server (the protocol of docker-credential-helpers: the server on stdin, JSON on stdout).
 * Undefined where it has none. Its output never gets into a message, because it may hold the secret.
 * @throws ERR_TOOL_MISSING, ERR_REGISTRY_AUTH
 */
export const askHelper = async (name: string, server: string, env: NodeJS.ProcessEnv): Promise<Credentials | undefined> => {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) return fail('ERR_REGISTRY_AUTH', 'the Docker configuration names a credential helper with a malformed name');
  const program = `docker-credential-${name}`;
  const { code, stdout } = await run(program, server, env).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT'
      ? fail('ERR_TOOL_MISSING', `the Docker configuration names the credential helper ${program}, which is not installed`)
      : fail('ERR_REGISTRY_AUTH', `the credential helper ${program} could not be started (${error.code ?? 'unknown'})`),
  );
  if (code !== 0) {
    if (/credentials not found/i.test(stdout)) return undefined;
    return fail('ERR_REGISTRY_AUTH', `the credential helper ${program} ended with ${code ?? 'a signal'} when asked for ${server}`);
  }
  try {
    const { Username, Secret } = answerSchema.parse(JSON.parse(stdout));
    if (Username === '' && Secret === '') return undefined;
    return Username === '<token>' ? { kind: 'identity', token: Secret } : { kind: 'basic', username: Username, password: Secret };
  } catch {
    return fail('ERR_REGISTRY_AUTH', `the credential helper ${program} answered with what is not its protocol when asked for ${server}`);
  }
};
