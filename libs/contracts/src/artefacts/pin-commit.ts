import * as z from '../zod.ts';
import { LANES } from '../lanes.ts';
import { artefact, revisionSchema } from './common.ts';

const pins = z.record(z.string(), z.string().nullable());

/** The outcome of `commit-pins`. */
export const pinCommitSchema = artefact('PinCommit', {
  lane: z.enum(LANES),
  branch: z.string(),
  /** `committed`: pushed by this run. `there`: the branch has the pins already. `unchanged`: nothing was to be pinned. `would-commit`: --dryRun. */
  outcome: z.enum(['committed', 'there', 'unchanged', 'would-commit']),
  /** The commit that later jobs check out: it has the pins. */
  commit: revisionSchema,
  /** The commit that was checked out when the images were built. */
  revision: revisionSchema,
  /** What was the tip of the branch; null if it was not asked. */
  parent: revisionSchema.nullable(),
  /** The run of CI; null outside of one. */
  run: z.string().nullable(),
  /** The pins that the commit changes, by their path in the file. */
  changes: z.array(z.strictObject({ file: z.string(), name: z.string(), before: pins, after: pins })),
  /** Files whose pins were not written, and why. */
  leftOut: z.array(z.strictObject({ file: z.string(), name: z.string(), reason: z.string() })),
}).describe('The commit that holds the pins of a pipeline.');
export type PinCommit = z.infer<typeof pinCommitSchema>;

/** The outcome of `since`. */
export const sinceSchema = artefact('Since', {
  lane: z.enum(LANES),
  /** What `nx affected` takes as --base: a commit, or the tree without files, since which everything has changed. */
  base: revisionSchema,
  everything: z.boolean(),
  /** Why it is that one. */
  reason: z.string(),
}).describe('The commit since which a lane looks for what has changed.');
export type Since = z.infer<typeof sinceSchema>;

/** The outcome of `pin-edits`, where nothing is wrong. */
export const pinEditsSchema = artefact('PinEdits', {
  /** The commit that the pull request is merged into. */
  base: revisionSchema,
  /** The merge that is checked out. */
  revision: revisionSchema,
  /** The files whose pins are changed to those of a pin commit. */
  brought: z.array(z.string()),
}).describe('The files whose pins a pull request brings.');
export type PinEdits = z.infer<typeof pinEditsSchema>;
