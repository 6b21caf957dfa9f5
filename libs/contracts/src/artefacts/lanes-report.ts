import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { HOSTING_NAMES } from '../hosting.ts';
import { LANES } from '../lanes.ts';
import { ARCHITECTURES } from '../platform.ts';
import { refSchema } from '../ref.ts';
import { pinnedReferenceSchema } from '../reference.ts';
import { artefact, revisionSchema } from './common.ts';
import { deployEnvironmentSchema, knownSchema } from './deployment.ts';
import { PIN_NAMES } from './pin-audit.ts';

/** The lanes that have a branch. */
export const BRANCH_LANES = ['dev', 'staging', 'main'] as const satisfies readonly (typeof LANES)[number][];
export type BranchLane = (typeof BRANCH_LANES)[number];

/** When a commit was made, by its own word; null if that is no time. */
const moment = z.iso.datetime().nullable();

/** A commit, and whoever it names. */
export const toldCommitSchema = z.strictObject({ commit: revisionSchema, at: moment, by: z.string() });
export type ToldCommit = z.infer<typeof toldCommitSchema>;

/** The pin commit of staging that wrote some pins. */
export const writingCommitSchema = toldCommitSchema.extend({
  /** The commit that the images were built from. */
  source: revisionSchema,
  run: z.string().nullable(),
  /** `history`: it is in the lane's own history. `content`: it is not, and the lane has the very pins that it wrote: a squash, a rebase, a cherry-pick. */
  way: z.enum(['history', 'content']),
});
export type WritingCommit = z.infer<typeof writingCommitSchema>;

/** What acceptance said of a digest in one lane. */
export const toldAcceptanceSchema = z.strictObject({
  lane: z.enum(LANES),
  verdict: z.enum(['accepted', 'rejected']),
  at: z.iso.datetime(),
  /** What tells of it: acceptance itself, a report that it found attached to the image, or one that the proof of promotion found there. */
  told: z.enum(['report', 'evidence', 'promotion']),
  run: z.string().nullable(),
});
export type ToldAcceptance = z.infer<typeof toldAcceptanceSchema>;

/** What a report says is deployed. */
export const toldDeploymentSchema = z.strictObject({
  adapter: z.enum(HOSTING_NAMES),
  environment: deployEnvironmentSchema,
  app: z.string(),
  /** The digest that is configured; null if none is. */
  digest: digestSchema.nullable(),
  /** When the platform was asked. */
  seen: z.iso.datetime(),
  /** Since when it is so and by whom, as far as the platform told. */
  since: moment,
  by: z.string().nullable(),
});
export type ToldDeployment = z.infer<typeof toldDeploymentSchema>;

/**
 * What is to be said of a processor in a lane. `differs`: a report says that something else is deployed than what is pinned. `rejected`: acceptance did not
 * pass on what is pinned. `waiting`: main does not pin it yet. `unpinned`: nothing is pinned. `unknown`: something is not known here. `settled`: it is pinned,
 * accepted, and deployed where the lane deploys.
 */
export const LANE_STANDINGS = ['differs', 'rejected', 'waiting', 'unpinned', 'unknown', 'settled'] as const;
export type LaneStanding = (typeof LANE_STANDINGS)[number];

/** A processor in one lane. */
export const laneCellSchema = z.strictObject({
  /** registry.yaml, relative to the workspace's root. */
  file: z.string(),
  standing: z.enum(LANE_STANDINGS),
  /** Why its pins can't be told; null if they are. */
  unread: z.string().nullable(),
  pins: z.partialRecord(z.enum(PIN_NAMES), pinnedReferenceSchema),
  /** The commit of the lane's branch since which it has these pins, be it a merge, and who made that. Null if nothing is pinned. */
  since: knownSchema(toldCommitSchema).nullable(),
  /** Null if nothing is pinned. */
  writtenBy: knownSchema(writingCommitSchema).nullable(),
  /** Of each platform that is pinned, the newest word of each lane. */
  accepted: z.partialRecord(z.enum(ARCHITECTURES), knownSchema(z.array(toldAcceptanceSchema))),
  /** Null in a lane that deploys nothing. */
  deployed: knownSchema(toldDeploymentSchema).nullable(),
});
export type LaneCell = z.infer<typeof laneCellSchema>;

/** A processor in all lanes. */
export const laneRowSchema = z.strictObject({
  /** Null of a registry.yaml that can't be read. */
  ref: refSchema.nullable(),
  /** The ref, else the file. */
  name: z.string(),
  /** One for each lane, in their order; null where its branch does not have it, or is not known. */
  cells: z.array(laneCellSchema.nullable()),
});
export type LaneRow = z.infer<typeof laneRowSchema>;

/** A lane, as its branch in this clone has it. */
export const toldLaneSchema = z.strictObject({
  lane: z.enum(BRANCH_LANES),
  ref: z.string(),
  tip: knownSchema(toldCommitSchema),
  /** Why its history is known in part only; null if all of it is. */
  partial: z.string().nullable(),
  deploysTo: deployEnvironmentSchema.nullable(),
});
export type ToldLane = z.infer<typeof toldLaneSchema>;

/** What staging has and main does not. */
export const waitingSchema = z.strictObject({
  /** Pins that differ; null where nothing is pinned. */
  pins: z.array(
    z.strictObject({
      name: z.string(),
      pin: z.enum(PIN_NAMES),
      main: pinnedReferenceSchema.nullable(),
      staging: pinnedReferenceSchema.nullable(),
    }),
  ),
  /** The newest first; no merges, and no commits of pins. */
  commits: z.array(toldCommitSchema.extend({ subject: z.string() })),
  /** How many more of them there are at least. */
  more: z.int().nonnegative(),
});
export type Waiting = z.infer<typeof waitingSchema>;

/** Which digest is pinned, accepted and deployed in which lane, since which commit, and what waits for main: by git and reports alone. */
export const lanesReportSchema = artefact('LanesReport', {
  at: z.iso.datetime(),
  lanes: z.array(toldLaneSchema),
  rows: z.array(laneRowSchema),
  waiting: knownSchema(waitingSchema),
}).describe('Which digest is pinned, accepted and deployed in which lane, since when, and what waits for main.');
export type LanesReport = z.infer<typeof lanesReportSchema>;
