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
