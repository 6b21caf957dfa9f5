import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { architectureSchema, platformSchema } from '../platform-schema.ts';
import { refSchema } from '../ref.ts';
import { pinnedReferenceSchema } from '../reference.ts';
import { artefact, revisionSchema } from './common.ts';

const change = <T extends z.ZodType>(value: T) => z.strictObject({ before: value.nullable(), after: value.nullable() });

/** One thing in which a pinned image differs from what its source makes. Names of files and the like are plain text, whatever the image holds. */
export const imageDifferenceSchema = z.strictObject({
  /** Null for the index over all platforms. */
  platform: platformSchema.nullable(),
  /** The layer's number, from 1; null if it is about the image as a whole. */
  layer: z.int().positive().nullable(),
  /** The file, relative to the image's root; null if it is about the image or the layer as a whole. */
  path: z.string().nullable(),
  message: z.string(),
});
export type ImageDifference = z.infer<typeof imageDifferenceSchema>;

/** In what pinned images differ from what their source makes. */
export const reproductionSchema = z.strictObject({
  differences: z.array(imageDifferenceSchema),
  /** How many more there are. */
  omitted: z.int().nonnegative(),
});
export type Reproduction = z.infer<typeof reproductionSchema>;

/**
 * The outcome of `pin`: the pins that it wrote, would write (--dry-run) or found (--check); with --reproduce the pins before, and after them what their source
 * makes.
 */
export const pinReportSchema = artefact('PinReport', {
  ref: refSchema,
  /** registry.yaml, relative to the workspace's root. */
  file: z.string(),
  outcome: z.enum(['pinned', 'unchanged', 'would-pin', 'current', 'stale', 'reproduced', 'differs']),
  platforms: z.partialRecord(architectureSchema, change(pinnedReferenceSchema)),
  index: change(pinnedReferenceSchema),
  fingerprint: change(digestSchema),
  revision: revisionSchema.nullable(),
  /** Why the pins are stale, or not reproduced; empty otherwise. */
  reasons: z.array(z.string()),
  /** Why digests changed although the fingerprint did not; absent if there is nothing to explain. */
  explanation: z.array(z.string()).optional(),
  /** In what the images differ, file by file; only with --reproduce, and absent if they don't. */
  reproduction: reproductionSchema.optional(),
}).describe('The pins that were written, would be, or were found.');
export type PinReport = z.infer<typeof pinReportSchema>;
