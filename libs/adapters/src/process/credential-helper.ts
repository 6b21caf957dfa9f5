import { fail } from '@pinlane/contracts';
import { ask } from './ask.ts';

/** The answer of a credential helper; its stdout may hold a secret, so it belongs in no message. */
export interface HelperAnswer {
  /** Null if it did not end by itself within the time and the size that it has. */
  readonly exitCode: number | null;
  readonly stdout: string;
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 64 * 1024;

/**
 * Runs `<program> get` (the protocol of docker-credential-helpers) with the server's name on stdin, for 30 s and 64 KiB at most; then it is killed, and all that it started.
 * @throws ERR_TOOL_MISSING, ERR_REGISTRY_AUTH if it cannot be started, ERR_CANCELLED
 */
export const runCredentialHelper = async (
  program: string,
  input: string,
  {
    env,
    signal,
    timeoutMs = TIMEOUT_MS,
  }: { readonly env?: Readonly<Record<string, string | undefined>>; readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number } = {},
): Promise<HelperAnswer> => {
  const { exitCode, stdout, fault, errorCode } = await ask({
    command: program,
    args: ['get'],
    input,
    timeoutMs,
    maxBytes: MAX_BYTES,
    signal,
    // What the helper starts ends with it: it may hold a secret, and the pipe.
    group: true,
    ...(env ? { env } : {}),
  });
  if (fault === 'missing') return fail('ERR_TOOL_MISSING', `the Docker configuration names the credential helper ${program}, which is not installed`);
  if (fault === 'unstartable') return fail('ERR_REGISTRY_AUTH', `the credential helper ${program} could not be started (${errorCode ?? 'unknown'})`);
  if (fault === 'aborted') return fail('ERR_CANCELLED', `the credential helper ${program} was interrupted`);
  return { exitCode: fault === null ? exitCode : null, stdout };
};
