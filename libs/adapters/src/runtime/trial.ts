import { unlessAborted } from '@pinlane/oci';
import type { Answer } from '../process/index.ts';

export const NAMESPACES_FIX = 'Allow unprivileged user namespaces, or use another runtime.';

/** Why a trial of a runtime's namespaces failed, in one line. */
export const whyFailed = ({ stderr, exitCode, fault }: Answer): string =>
  stderr.trim().split('\n').at(-1) ||
  (fault === 'late' ? 'it did not end' : exitCode === null ? 'it could not be started' : `it ended with exit code ${exitCode}`);

/**
 * Asks a question once in a process, whoever asks it and how often. One that was broken off is asked anew.
 * @throws ERR_CANCELLED, and what the question throws
 */
export const askedOnce = <T>(question: (signal?: AbortSignal) => Promise<T>): ((signal?: AbortSignal) => Promise<T>) => {
  let known: Promise<T> | undefined;
  return (signal) => {
    const asked = (known ??= question(signal).then((answer) => {
      if (signal?.aborted) known = undefined;
      return answer;
    }));
    asked.catch(() => {
      if (known === asked) known = undefined;
    });
    return unlessAborted(signal, () => asked);
  };
};
