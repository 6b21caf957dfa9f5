import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { architectureSchema } from '../platform.ts';
import { refSchema } from '../ref.ts';
import { pinnedReferenceSchema } from '../reference.ts';
import { artefact, revisionSchema } from './common.ts';

const change = <T extends z.ZodType>(value: T) => z.strictObject({ before: value.nullable(), after: value.nullable() });

/** The outcome of `pin`: the pins that it wrote, would write (--dry-run) or found (--check). */
export const pinReportSchema = artefact('PinReport', {
  ref: refSchema,
  /** registry.yaml, relative to the workspace's root. */
  file: z.string(),
  outcome: z.enum(['pinned', 'unchanged', 'would-pin', 'current', 'stale']),
  platforms: z.partialRecord(architectureSchema, change(pinnedReferenceSchema)),
  index: change(pinnedReferenceSchema),
  fingerprint: change(digestSchema),
  revision: revisionSchema.nullable(),
  /** Why the pins are stale; empty otherwise. */
  reasons: z.array(z.string()),
  /** Why digests changed although the fingerprint did not; absent if there is nothing to explain. */
  explanation: z.array(z.string()).optional(),
}).describe('The pins that were written, would be, or were found.');
export type PinReport = z.infer<typeof pinReportSchema>;
