import * as z from '../zod.ts';
import { artefact, revisionSchema } from './common.ts';

const pins = z.record(z.string(), z.string().nullable());
const side = z.strictObject({ branch: z.string(), commit: revisionSchema });

/** The outcome of `release-pr`. */
export const releaseSchema = artefact('Release', {
  /**
   * `opened` and `updated`: by this run. `there`: it is open and up to date. `link`: a person opens it by the link. `nothing`: main has all of staging.
   * `would-open`: --dryRun.
   */
  outcome: z.enum(['opened', 'updated', 'there', 'link', 'nothing', 'would-open']),
  /** Why a person has to open it; null otherwise. */
  reason: z.string().nullable(),
  /** What is promoted. */
  staging: side,
  /** What it is promoted to. */
  main: side,
  pullRequest: z.strictObject({ number: z.int().positive(), url: z.string() }).nullable(),
  /** The address that opens the pull request, filled in; null if there is nothing to open. */
  link: z.string().nullable(),
  title: z.string().nullable(),
  /** In Markdown. */
  body: z.string().nullable(),
  /** The pins that change on main, by their path in the file. */
  changes: z.array(z.strictObject({ file: z.string(), name: z.string(), before: pins, after: pins })),
  /** How many commits of staging main lacks. */
  commits: z.int().nonnegative(),
}).describe('The pull request that promotes staging to main.');
export type Release = z.infer<typeof releaseSchema>;
