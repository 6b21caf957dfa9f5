import type { Answer } from '../process/index.ts';

export const NAMESPACES_FIX = 'Allow unprivileged user namespaces, or use another runtime.';

/** Why a trial of a runtime's namespaces failed, in one line. */
export const whyFailed = ({ stderr, exitCode, fault }: Answer): string =>
  stderr.trim().split('\n').at(-1) ||
  (fault === 'late' ? 'it did not end' : exitCode === null ? 'it could not be started' : `it ended with exit code ${exitCode}`);
