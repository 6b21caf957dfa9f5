import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ModalClient } from 'modal';
import { fail } from '@pinlane/contracts';
import { clientEnvironment, isProxied, secretsOf } from './client-environment.ts';
import { failureOf } from './failures.ts';
import { LIMITS } from './limits.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** How the SDK is spoken to. */
export interface SdkClient {
  readonly env: Env;
  readonly environment: string;
  readonly signal: AbortSignal;
}

/** The one version of the SDK that the control plane is asked with: its calls are not all public ones, and may move from version to version. */
export const SDK_VERSION = '0.11.1';

/** @throws ERR_TOOL_MISSING for another version of the SDK */
export const requireSdk = (version: string): void => {
  if (version === SDK_VERSION) return;
  fail('ERR_TOOL_MISSING', `the npm package modal is ${version} here, and Pinlane works with ${SDK_VERSION} alone`, {
    fix: `npm install modal@${SDK_VERSION}`,
  });
};

/** What the SDK reads of the process while a client is made: the address and the account. Everything else is handed to it. */
const READ = /^(?:MODAL_|(?:https?|all|no|grpc)_proxy$)/i;

/**
 * Does something with a process environment in which those variables that the SDK reads are as given, and puts it back. Only what is done at
 * once may be done in there.
 */
const withProcessEnvironment = <Made>(env: Readonly<Record<string, string>>, make: () => Made): Made => {
  const before = Object.entries(process.env).filter(([name]) => READ.test(name));
  const clear = (): void => Object.keys(process.env).forEach((name) => READ.test(name) && delete process.env[name]);
  clear();
  for (const [name, value] of Object.entries(env)) if (READ.test(name)) process.env[name] = value;
  try {
    return make();
  } finally {
    clear();
    for (const [name, value] of before) process.env[name] = value;
  }
};

const TOO_LATE = Symbol('too late');

/** Settles as some work does, and at the latest when a signal comes: not all that the SDK waits for listens to one. */
const untilAborted = async <Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result | typeof TOO_LATE> => {
  let stop = (): void => {};
  const aborted = new Promise<typeof TOO_LATE>((resolve) => {
    stop = () => resolve(TOO_LATE);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  work.catch(() => undefined);
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', stop));
};

/** A signal that comes when nothing was heard for so long; never if that is not watched. */
const watchSilence = (afterMs: number | undefined): { readonly signal: AbortSignal; readonly heard: () => void; readonly end: () => void } => {
  const controller = new AbortController();
  const timer = afterMs === undefined ? undefined : setTimeout(() => controller.abort(), afterMs);
  return { signal: controller.signal, heard: () => void timer?.refresh(), end: () => clearTimeout(timer) };
};

/** How long a client is waited for, for whoever asks the control plane without it. */
export interface SdkWatch {
  /** Comes when nothing is to be asked any more. */
  readonly signal: AbortSignal;
  /** To be called with each answer, or it is taken for silence. */
  readonly heard: () => void;
  /** Whether the SDK goes through a proxy. */
  readonly proxied: boolean;
}

/** The version of the SDK that is installed beside Pinlane; null if none is. */
export const sdkVersion = (): string | null => {
  try {
    const main = createRequire(import.meta.url).resolve('modal');
    return (JSON.parse(readFileSync(join(main, '../../package.json'), 'utf8')) as { readonly version: string }).version;
  } catch {
    return null;
  }
};

/**
 * Does something with a client of the SDK, each call and the whole of it bounded in time. The SDK is loaded here, and by nothing that does not deploy.
 * @param what what is being done, for messages
 * @param limitMs for the whole of it
 * @param callMs for each call, unless silence is watched for
 * @param silenceMs after so long without any answer, all that is asked or would be fails, and the work goes on without
 * @throws ERR_HOSTING_UNAVAILABLE, ERR_HOSTING_AUTH, ERR_HOSTING_REFUSED, ERR_CANCELLED, and what the work itself throws of ours
 */
export const withSdk = async <Result>(
  { env, environment, signal }: SdkClient,
  {
    what,
    limitMs = LIMITS.callMs,
    callMs = limitMs,
    silenceMs,
  }: { readonly what: string; readonly limitMs?: number; readonly callMs?: number; readonly silenceMs?: number },
  work: (client: ModalClient, watch: SdkWatch) => Promise<Result>,
): Promise<Result> => {
  const { ModalClient } = await import('modal').catch((cause: unknown) =>
    fail('ERR_TOOL_MISSING', "the npm package modal, Modal's SDK, can't be loaded", { cause, fix: 'Install it beside Pinlane: npm install.' }),
  );
  const whole = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const silence = watchSilence(silenceMs);
  const shared = AbortSignal.any([whole, silence.signal]);
  // Thousands of calls would each have a timer, where silence ends them all.
  const signalOf = (given: AbortSignal | undefined): AbortSignal => {
    const own = silenceMs === undefined ? [AbortSignal.timeout(callMs)] : [];
    return given || own.length > 0 ? AbortSignal.any([shared, ...own, ...(given ? [given] : [])]) : shared;
  };
  const variables = clientEnvironment(env, environment);
  let client: ModalClient | undefined;
  try {
    client = withProcessEnvironment(
      variables,
      () =>
        new ModalClient({
          environment,
          grpcMiddleware: [
            async function* (call, options) {
              const answer = yield* call.next(call.request, { ...options, signal: signalOf(options.signal) });
              silence.heard();
              return answer;
            },
          ],
        }),
    );
    requireSdk(client.version());
    const result = await untilAborted(work(client, { signal: shared, heard: silence.heard, proxied: isProxied(variables) }), whole);
    if (result !== TOO_LATE) return result;
  } catch (thrown) {
    if (!whole.aborted) throw failureOf(thrown, what, secretsOf(env));
  } finally {
    silence.end();
    client?.close();
  }
  if (signal.aborted) return fail('ERR_CANCELLED', `interrupted while ${what}`);
  return fail('ERR_HOSTING_UNAVAILABLE', `Modal did not answer while ${what} for ${limitMs / 1000} s`);
};
