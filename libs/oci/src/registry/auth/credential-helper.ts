import * as z from 'zod';
import { fail } from '@pinlane/contracts';
import { basicOf, type Credentials } from './credentials.ts';
import { goFields } from './go-json.ts';

/** The end of a credential helper. */
export interface HelperAnswer {
  /** Null if the program did not end by itself. */
  readonly exitCode: number | null;
  /** It may hold a secret, so it belongs in no message. */
  readonly stdout: string;
}

/**
 * Runs `<program> get` with `input` on its stdin, and gives it a limit of time that holds even if a process that it left behind keeps its output open.
 * @throws ERR_TOOL_MISSING if it is not installed, ERR_REGISTRY_AUTH if it cannot be started, ERR_CANCELLED
 */
export type RunCredentialHelper = (
  program: string,
  input: string,
  options: { readonly env: Readonly<Record<string, string | undefined>>; readonly signal?: AbortSignal | undefined },
) => Promise<HelperAnswer>;

const answerSchema = z.preprocess(goFields('Username', 'Secret'), z.object({ Username: z.string().default(''), Secret: z.string().default('') }));

/** What a helper is asked with. */
export interface HelperContext {
  readonly run: RunCredentialHelper;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the helper. */
  readonly signal?: AbortSignal | undefined;
}

/** The runner for who has none to give: asking a helper is an error then. */
export const noCredentialHelper: RunCredentialHelper = (program) =>
  fail('ERR_REGISTRY_AUTH', `the Docker configuration names the credential helper ${program}, and programs can't be started here`);

/**
 * Asks `docker-credential-<name> get` for the credentials of a server (the protocol of docker-credential-helpers: the server on stdin, JSON on stdout).
 * No message repeats its output, which may hold the secret.
 * @returns undefined if the helper has no credentials for the server
 * @throws ERR_REGISTRY_AUTH, and what `run` throws
 */
export const askHelper = async ({ run, env, signal }: HelperContext, name: string, server: string): Promise<Credentials | undefined> => {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) return fail('ERR_REGISTRY_AUTH', 'the Docker configuration names a credential helper with a malformed name');
  const program = `docker-credential-${name}`;
  const { exitCode, stdout } = await run(program, server, { env, signal });
  if (exitCode !== 0) {
    if (/credentials not found/i.test(stdout)) return undefined;
    return fail('ERR_REGISTRY_AUTH', `the credential helper ${program} ended with ${exitCode ?? 'a signal'} when asked for ${server}`);
  }
  try {
    const { Username, Secret } = answerSchema.parse(JSON.parse(stdout));
    return Username === '<token>' ? { kind: 'identity', token: Secret } : basicOf(Username, Secret);
  } catch {
    return fail('ERR_REGISTRY_AUTH', `the credential helper ${program} answered with what is not its protocol when asked for ${server}`);
  }
};
