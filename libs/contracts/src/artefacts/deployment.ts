import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { LANES } from '../lanes.ts';
import { refSchema } from '../ref.ts';
import { pinnedReferenceSchema } from '../reference.ts';
import { artefact, revisionSchema } from './common.ts';

/** The record of a deployment: the image, the place, and the evidence that allowed it. */
export const deploymentSchema = artefact('Deployment', {
  ref: refSchema,
  lane: z.enum(LANES),
  environment: z.enum(['dev', 'staging', 'main']),
  app: z.string(),
  image: pinnedReferenceSchema,
  url: z.url().nullable(),
  revision: revisionSchema.nullable(),
  /** The digest of the acceptance report that allowed it. */
  evidence: digestSchema.nullable(),
});
export type Deployment = z.infer<typeof deploymentSchema>;

/** The state of an app as the hosting platform reports it. */
export const observedDeploymentSchema = artefact('ObservedDeployment', {
  ref: refSchema,
  environment: z.enum(['dev', 'staging', 'main']),
  app: z.string(),
  state: z.enum(['running', 'stopped', 'absent']),
  image: pinnedReferenceSchema.nullable(),
});
export type ObservedDeployment = z.infer<typeof observedDeploymentSchema>;

/** The differences between the images that are pinned and those that run. */
export const driftReportSchema = artefact('DriftReport', {
  environment: z.enum(['dev', 'staging', 'main']),
  verdict: z.enum(['in-sync', 'drift']),
  entries: z.array(
    z.strictObject({
      ref: refSchema,
      app: z.string(),
      outcome: z.enum(['in-sync', 'differs', 'absent', 'unpinned', 'unknown']),
      pinned: digestSchema.nullable(),
      deployed: digestSchema.nullable(),
      message: z.string(),
    }),
  ),
});
export type DriftReport = z.infer<typeof driftReportSchema>;
