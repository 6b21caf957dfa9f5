import * as z from '../zod.ts';
import { ERROR_CATALOGUE, type ErrorCode } from '../errors/catalogue.ts';
import { LANES } from '../lanes.ts';
import { ARCHITECTURES } from '../platform.ts';
import { refSchema } from '../ref.ts';
import { pinnedReferenceSchema } from '../reference.ts';
import { artefact } from './common.ts';

/** The names of pins: a platform's manifest by its architecture, and the index over all of them. */
export const PIN_NAMES = [...ARCHITECTURES, 'index'] as const;
export type PinName = (typeof PIN_NAMES)[number];

/** Something that is wrong with a pin, or that kept it from being looked at. */
export const pinFindingSchema = z.strictObject({
  /** Null if it is about the file as a whole. */
  pin: z.enum(PIN_NAMES).nullable(),
  code: z.enum(Object.keys(ERROR_CATALOGUE) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
});
export type PinFinding = z.infer<typeof pinFindingSchema>;

/** The pins of one registry.yaml. */
export const pinAuditEntrySchema = z.strictObject({
  /** registry.yaml, relative to the workspace's root. */
  file: z.string(),
  /** Null if the file can't be read. */
  ref: refSchema.nullable(),
  /** `good`: every pin is what it says. `bad`: one is not. `unknown`: it could not be found out. `unpinned`: there is none. */
  outcome: z.enum(['good', 'bad', 'unknown', 'unpinned']),
  pins: z.partialRecord(z.enum(PIN_NAMES), pinnedReferenceSchema),
  /** The faults; empty if the pins are good. */
  findings: z.array(pinFindingSchema),
  /** Peculiarities that are no faults. */
  remarks: z.array(z.string()),
});
export type PinAuditEntry = z.infer<typeof pinAuditEntrySchema>;

/** Whether everything that a workspace pins is there and is what it is pinned for. */
export const pinAuditSchema = artefact('PinAudit', {
  lane: z.enum(LANES),
  /** `unknown` if any pin could not be looked at, whatever was found of the others. */
  verdict: z.enum(['good', 'bad', 'unknown']),
  /** How many pins were looked at. */
  pins: z.int().nonnegative(),
  entries: z.array(pinAuditEntrySchema),
}).describe('Whether every pin of a workspace is there and is what it is pinned for.');
export type PinAudit = z.infer<typeof pinAuditSchema>;
