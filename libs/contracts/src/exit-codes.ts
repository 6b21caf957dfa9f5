/** The exit codes of every command. If a command could not tell, that is an error, never good. */
export const EXIT = { good: 0, error: 1, verdict: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
