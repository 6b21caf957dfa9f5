import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { architectureSchema } from '../platform.ts';
import { refSchema } from '../ref.ts';
import { pinnedReferenceSchema } from '../reference.ts';
import { artefact, revisionSchema } from './common.ts';

const change = <T extends z.ZodType>(value: T) => z.strictObject({ before: value.nullable(), after: value.nullable() });

/** What `pin` did, or with --dry-run would do, or with --check found. */
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
  /** Why a digest changed although the fingerprint did not; absent where none did. */
  explanation: z.array(z.string()).optional(),
}).describe('The pins that were written, would be, or were found.');
export type PinReport = z.infer<typeof pinReportSchema>;
