import { isPinlaneError } from '@pinlane/contracts';
import { LIMITS } from './limits.ts';
import { askPython, runModal, type ModalCommand, type PythonClient, type PythonQuestion } from './python.ts';
import { withSdk, type SdkClient } from './sdk.ts';

/**
 * Does something long, and asks the API for a sign of life meanwhile: when it gives none, the work is told to stop, so that an API that went
 * away is told within some 10 s and not when the patience of a client ends.
 * @throws ERR_HOSTING_UNAVAILABLE, ERR_CANCELLED, and what the work throws
 */
export const whileAlive = async <Result>(client: SdkClient, what: string, work: (stop: AbortSignal) => Promise<Result>): Promise<Result> => {
  const over = new AbortController();
  const gone = new AbortController();
  let why: unknown;
  const watching = (async () => {
    while (!over.signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LIMITS.watchMs);
        over.signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
      });
      if (over.signal.aborted) return;
      const signal = AbortSignal.any([client.signal, over.signal]);
      await withSdk({ ...client, signal }, { what }, (sdk) => sdk.environments.fromName(client.environment));
    }
  })().catch((thrown: unknown) => {
    if (over.signal.aborted || !isPinlaneError(thrown, 'ERR_HOSTING_UNAVAILABLE')) return;
    why = thrown;
    gone.abort();
  });
  try {
    return await work(gone.signal);
  } catch (thrown) {
    throw why ?? thrown;
  } finally {
    over.abort();
    await watching;
  }
};

/** Asks a Python something, as long as the API gives signs of life. @throws as `askPython` and {@link whileAlive} */
export const askAlive = (client: PythonClient, question: PythonQuestion): Promise<string> =>
  whileAlive(client, question.what, (stop) => askPython(client, { ...question, stop }));

/** Runs a command of the Python client, as long as the API gives signs of life. @throws as {@link askAlive} */
export const runAlive = (client: PythonClient, question: ModalCommand): Promise<string> =>
  whileAlive(client, question.what, (stop) => runModal(client, { ...question, stop }));
