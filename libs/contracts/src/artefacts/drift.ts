import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { LANES } from '../lanes.ts';
import { refSchema } from '../ref.ts';
import { pinnedReferenceSchema } from '../reference.ts';
import { artefact, revisionSchema } from './common.ts';
import { deployEnvironmentSchema, knownSchema, observedDeploymentSchema } from './deployment.ts';
import { HOSTING_NAMES } from '../hosting.ts';

/**
 * What became of one app. `missing`: a pin says that it should run, and there is no such app. `stopped`: it was stopped. `orphan`: it runs, and no
 * registry.yaml claims it. `unverifiable`: it could not be told, which is never taken for good.
 */
export const DRIFT_VERDICTS = ['in-sync', 'drifted', 'missing', 'stopped', 'orphan', 'unverifiable'] as const;
export type DriftVerdict = (typeof DRIFT_VERDICTS)[number];

/** One thing that is not as it should be. */
export const driftDifferenceSchema = z.strictObject({
  /** `image`, `name` (the published name leads to another image), `serving`, `state`, `setting`, `secret` or `environment`. */
  what: z.enum(['image', 'name', 'serving', 'state', 'setting', 'secret', 'environment']),
  /** Which of several: the setting's or the secret's name; null if there is one only. */
  name: z.string().nullable(),
  expected: z.string().nullable(),
  found: z.string().nullable(),
});
export type DriftDifference = z.infer<typeof driftDifferenceSchema>;

/** A thing that could not be told, with the reason. */
export const driftUnknownSchema = z.strictObject({ what: z.string(), reason: z.string() });
export type DriftUnknown = z.infer<typeof driftUnknownSchema>;

/** One app: what should run there, what was found, and the verdict. */
export const driftEntrySchema = z.strictObject({
  /** Null for an orphan. */
  ref: refSchema.nullable(),
  app: z.string(),
  verdict: z.enum(DRIFT_VERDICTS),
  /** The verdict as one line for a person. */
  message: z.string(),
  /** The platform manifest that is pinned; null for an orphan, and for a processor without a pin. */
  pinned: pinnedReferenceSchema.nullable(),
  /** What the control plane tells, fact by fact; null if the place was not looked at. */
  observed: observedDeploymentSchema.omit({ kind: true, schemaVersion: true }).nullable(),
  differences: z.array(driftDifferenceSchema),
  unknown: z.array(driftUnknownSchema),
  /** The digest that the app itself answers with; null unless it was asked (`--live`), which wakes what is scaled to zero. */
  serving: knownSchema(digestSchema.nullable()).nullable(),
  /** Whether the published name still leads to the pinned image; null unless the image was made anew (`--deep`). */
  nameLeadsToPin: knownSchema(z.boolean()).nullable(),
  /** When what differs was deployed, or the app was stopped, and by whom, as far as the platform tells. */
  since: z.iso.datetime().nullable(),
  by: z.string().nullable(),
});
export type DriftEntry = z.infer<typeof driftEntrySchema>;

/** How the apps of an environment differ from what is pinned: of one processor, or of the whole workspace. */
export const driftReportSchema = artefact('DriftReport', {
  /** When the platform was asked. */
  at: z.iso.datetime(),
  lane: z.enum(LANES),
  adapter: z.enum(HOSTING_NAMES),
  environment: deployEnvironmentSchema,
  /** The commit whose pins were compared; null outside of git. */
  revision: revisionSchema.nullable(),
  verdict: z
    .enum(['in-sync', 'drift', 'unknown'])
    .describe(
      'in-sync, exit code 0: every app that should run does, as it is pinned, and no other is there. drift, 2: an app is drifted, missing or stopped, or an ' +
        'orphan outside of dev, whatever else could not be told. unknown, 1: nothing differs as far as could be told, and something could not be told.',
    ),
  /** Whether apps were asked themselves, and whether names were proven. */
  live: z.boolean(),
  deep: z.boolean(),
  entries: z.array(driftEntrySchema),
}).describe('How deployed apps differ from what is pinned.');
export type DriftReport = z.infer<typeof driftReportSchema>;
