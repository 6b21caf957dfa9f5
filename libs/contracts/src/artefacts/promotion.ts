import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { ERROR_CATALOGUE, type ErrorCode } from '../errors/catalogue.ts';
import { LANES } from '../lanes.ts';
import { ARCHITECTURES } from '../platform.ts';
import { refSchema } from '../ref.ts';
import { pinnedReferenceSchema } from '../reference.ts';
import { evidenceOriginSchema } from './acceptance.ts';
import { artefact, revisionSchema } from './common.ts';
import { PIN_NAMES } from './pin-audit.ts';

/** Why a pin is not promoted, or what kept anybody from telling, with the place in registry.yaml. */
export const promotionFindingSchema = z.strictObject({
  /** Null if it is about the file as a whole. */
  pin: z.enum(PIN_NAMES).nullable(),
  code: z.enum(Object.keys(ERROR_CATALOGUE) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
  line: z.int().positive(),
  column: z.int().positive(),
});
export type PromotionFinding = z.infer<typeof promotionFindingSchema>;

/** The pin commit of staging that wrote what is pinned. */
export const promotingCommitSchema = z.strictObject({
  commit: revisionSchema,
  /** The commit that the images were built from. */
  source: revisionSchema,
  run: z.string().nullable(),
  /** `history`: it is an ancestor of what is checked out. `content`: it is not, and the same pins came by another commit: a squash, a rebase, a cherry-pick. */
  by: z.enum(['history', 'content']),
});
export type PromotingCommit = z.infer<typeof promotingCommitSchema>;

/** The pins of one registry.yaml. */
export const promotionEntrySchema = z.strictObject({
  /** registry.yaml, relative to the workspace's root. */
  file: z.string(),
  /** Null if the file can't be read. */
  ref: refSchema.nullable(),
  /** `promoted`: staging pinned and accepted it. `refused`: not. `unknown`: it could not be found out. `unpinned`: nothing is pinned. */
  outcome: z.enum(['promoted', 'refused', 'unknown', 'unpinned']),
  pins: z.partialRecord(z.enum(PIN_NAMES), pinnedReferenceSchema),
  /** Null if there is none. */
  pinnedBy: promotingCommitSchema.nullable(),
  /** The report of staging on each platform's digest that was asked for. */
  acceptedBy: z.partialRecord(z.enum(ARCHITECTURES), z.strictObject({ artifact: digestSchema, startedAt: z.iso.datetime(), origin: evidenceOriginSchema })),
  /** The source that is pinned, and the source in the working tree; null if it is not known. */
  fingerprint: z.strictObject({ pinned: digestSchema.nullable(), source: digestSchema.nullable() }),
  findings: z.array(promotionFindingSchema),
  /** Peculiarities that are no faults. */
  remarks: z.array(z.string()),
});
export type PromotionEntry = z.infer<typeof promotionEntrySchema>;

/** Whether staging pinned and accepted everything that a commit pins. */
export const promotionReportSchema = artefact('PromotionReport', {
  lane: z.enum(LANES),
  /** The workspace, by the address of its repository; null if it has none. */
  workspace: z.string().nullable(),
  /** What is checked out. */
  commit: revisionSchema,
  /** The history that pin commits are looked for in: the ref, and the commit that it was at. */
  staging: z.strictObject({ ref: z.string(), commit: revisionSchema }),
  /** `unknown` if any pin could not be told of, whatever was found of the others. */
  verdict: z.enum(['promoted', 'refused', 'unknown']),
  entries: z.array(promotionEntrySchema),
}).describe('Whether staging pinned and accepted everything that a commit pins.');
export type PromotionReport = z.infer<typeof promotionReportSchema>;
