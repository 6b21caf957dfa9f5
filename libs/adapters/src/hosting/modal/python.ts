import { fail } from '@pinlane/contracts';
import { ask, type Answer } from '../../process/index.ts';
import { clientEnvironment, secretsOf } from './client-environment.ts';
import { failOfText } from './failures.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The one version of Modal's Python client that is deployed with: `modal server deploy` is new in it, and its options move from version to version. */
export const PYTHON_CLIENT = '1.6.4';

/** How that client is got. */
export const INSTALL = `python3 -m venv ~/.pinlane-modal && ~/.pinlane-modal/bin/pip install modal==${PYTHON_CLIENT}, then PINLANE_MODAL_PYTHON=~/.pinlane-modal/bin/python`;

/** A Python that has the client, and for which Modal environment it is asked. */
export interface PythonClient {
  readonly python: string;
  readonly env: Env;
  readonly environment: string;
  readonly signal: AbortSignal;
}

/** Something to ask of a Python. */
export interface PythonQuestion {
  /** Python, which finds the input in `given` and the arguments in `sys.argv`. */
  readonly code: string;
  readonly args?: readonly string[];
  /** What is being done, for messages. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly input?: string;
  /** Values that may be in no message, besides those of the account. */
  readonly secrets?: readonly string[];
  /** Ends it earlier. */
  readonly stop?: AbortSignal;
}

/** Not the workspace: Python would take a folder `modal` of it for the client. Colours and narrow frames would be in the way of messages. */
const SURROUNDINGS = { PYTHONSAFEPATH: '1', NO_COLOR: '1', TERM: 'dumb', COLUMNS: '4000', PYTHONIOENCODING: 'utf-8' };

const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Reads the input that the question has, and ends when its stdin does, which is when this process is gone: a deployment that was killed would else go on
 * behind the back of the next one. What is asked finds the input in `given`.
 */
const TIED = `
import os, sys, threading
size, given = int(sys.argv.pop(1)), b""
while len(given) < size:
    piece = os.read(0, size - len(given))
    if not piece:
        os._exit(1)
    given += piece
def end_with_caller():
    os.read(0, 1)
    os._exit(1)
threading.Thread(target=end_with_caller, daemon=True).start()
`;

/** Asks a Python something; whatever it answers is returned. */
const answerOf = ({ python, env, environment, signal }: PythonClient, { code, args = [], timeoutMs, input = '', stop }: PythonQuestion): Promise<Answer> =>
  ask({
    command: python,
    args: ['-c', TIED + code, String(Buffer.byteLength(input)), ...args],
    cwd: '/',
    env: { ...clientEnvironment(env, environment), ...SURROUNDINGS },
    input,
    holdsInput: true,
    group: true,
    timeoutMs,
    maxBytes: MAX_BYTES,
    signal: stop ? AbortSignal.any([signal, stop]) : signal,
  });

/**
 * Asks a Python something, and gives what it printed on stdout.
 * @throws ERR_TOOL_MISSING, ERR_HOSTING_UNAVAILABLE if it takes too long, ERR_HOSTING_AUTH, ERR_HOSTING_ENVIRONMENT, ERR_HOSTING_REFUSED, ERR_CANCELLED
 */
export const askPython = async (client: PythonClient, question: PythonQuestion): Promise<string> => {
  const { exitCode, stdout, stderr, fault } = await answerOf(client, question);
  const { what, timeoutMs, secrets = [] } = question;
  if (fault === 'missing' || fault === 'unstartable')
    return fail('ERR_TOOL_MISSING', `${client.python} can't be started; Modal's Python client is needed`, { fix: INSTALL });
  if (fault === 'aborted' && client.signal.aborted) return fail('ERR_CANCELLED', `interrupted while ${what}`);
  if (fault === 'late' || fault === 'aborted')
    return fail('ERR_HOSTING_UNAVAILABLE', `Modal did not answer while ${what}${fault === 'late' ? ` for ${timeoutMs / 1000} s` : ''}`);
  if (fault === 'too long') return fail('ERR_HOSTING_REFUSED', `Modal's client printed more than ${MAX_BYTES / 1024 / 1024} MiB while ${what}`);
  return exitCode === 0 ? stdout : failOfText(`${stdout}\n${stderr}`, what, [...secretsOf(client.env), ...secrets]);
};

/** Pythons whose client is the right one. It is not asked for twice. */
const good = new Set<string>();

/** Why the client can't be used: it is not there, or in another version; null if it can. @throws ERR_HOSTING_UNAVAILABLE if Python does not tell in time */
export const clientFault = async (client: PythonClient): Promise<string | null> => {
  const key = JSON.stringify([client.python, client.env['PATH']]);
  if (good.has(key)) return null;
  const code = 'import importlib.metadata as m; print(m.version("modal"))';
  const { exitCode, stdout, fault } = await answerOf(client, { code, what: '', timeoutMs: 10_000 });
  if (fault === 'aborted') return fail('ERR_CANCELLED', "interrupted while looking for Modal's client");
  if (fault === 'late') return fail('ERR_HOSTING_UNAVAILABLE', `${client.python} did not tell its version of Modal's client in time`);
  if (fault !== null) return `${client.python} can't be started`;
  if (exitCode !== 0) return `${client.python} has no package modal`;
  const version = stdout.trim();
  if (version === PYTHON_CLIENT) good.add(key);
  return version === PYTHON_CLIENT ? null : `${client.python} has modal ${version}, and Pinlane works with ${PYTHON_CLIENT} alone`;
};

/** Does what `python -m modal` does with the arguments in `sys.argv`. */
export const RUN_CLIENT = `
import runpy
sys.argv[0] = "modal"
runpy.run_module("modal", run_name="__main__", alter_sys=True)
`;

/** A command of the client. */
export interface ModalCommand extends Omit<PythonQuestion, 'code' | 'input'> {
  readonly args: readonly string[];
}

/** Runs a command of the client, `modal <args> --env <environment>`, and gives what it printed. @throws as {@link askPython} */
export const runModal = (client: PythonClient, { args, ...question }: ModalCommand): Promise<string> =>
  askPython(client, { ...question, code: RUN_CLIENT, args: [...args, '--env', client.environment] });
