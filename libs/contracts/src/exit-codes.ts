/** 0 good, 1 error, 2 a verdict against. "Could not tell" is 1, never 0. */
export const EXIT = { good: 0, error: 1, verdict: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
