import * as z from 'zod';

/** The name of a branch: of those that git allows the plain ones (git check-ref-format). */
export const branchName = z
  .string()
  .max(200)
  .regex(/^(?!.*\.\.)(?!.*\/\/)[A-Za-z0-9][A-Za-z0-9._/-]*(?<![./])$/, 'expected the name of a branch');

/** The name that a clone has for a remote. */
export const remoteName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'expected the name of a remote');
