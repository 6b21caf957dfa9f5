import * as z from '../zod.ts';
import { HOSTING_NAMES } from '../hosting.ts';
import { LANES } from '../lanes.ts';
import { artefact } from './common.ts';
import { deployEnvironmentSchema } from './deployment.ts';

/** What the lines of a doctor's report are about, in the order in which they are told. */
export const DOCTOR_GROUPS = ['machine', 'workspace', 'building', 'running', 'registry', 'modal', 'secrets'] as const;
export type DoctorGroup = (typeof DOCTOR_GROUPS)[number];

/** One thing that Pinlane can use: whether it is there, what it is for, and what to do if it is not. */
export const doctorCheckSchema = z.strictObject({
  group: z.enum(DOCTOR_GROUPS),
  name: z.string(),
  /** `missing`: it is not there, or can not be used. `unknown`: it could not be told. */
  state: z.enum(['ok', 'missing', 'unknown']),
  /** Whether the lane needs it. */
  needed: z.boolean(),
  /** What it is for; of what the lane does not need, what is lost without it. */
  purpose: z.string(),
  /** What was found. */
  message: z.string(),
  /** What to do; null if it is there. */
  fix: z.string().nullable(),
  /** Where in the workspace, relative to its root. */
  file: z.string().optional(),
  line: z.int().positive().optional(),
  column: z.int().positive().optional(),
});
export type DoctorCheck = z.infer<typeof doctorCheckSchema>;

/** What of Modal itself could only be assumed, and is proven on an account. */
export const MODAL_CLAIMS = [
  'pull-by-digest',
  'image-identity',
  'long-names',
  'server-entrypoint',
  'server-env',
  'server-workdir',
  'server-user',
  'cold-server',
  'sandbox-command',
  'secret-identity',
] as const;
export type ModalClaim = (typeof MODAL_CLAIMS)[number];

/** One of these claims, and what was seen. */
export const modalProofSchema = z.strictObject({
  claim: z.enum(MODAL_CLAIMS),
  /** The claim in words. */
  says: z.string(),
  outcome: z.enum(['proven', 'disproven', 'unknown']),
  message: z.string(),
});
export type ModalProof = z.infer<typeof modalProofSchema>;

/** What was proven on an account of Modal. */
export const modalProofsSchema = z.strictObject({
  environment: deployEnvironmentSchema,
  /** The processor whose pinned image it was proven with; null if there is none. */
  ref: z.string().nullable(),
  proofs: z.array(modalProofSchema),
  /** What was made for it and could not be removed, by name. */
  left: z.array(z.string()),
});
export type ModalProofs = z.infer<typeof modalProofsSchema>;

/** A setting that decides something, and where it comes from. */
export const doctorSettingSchema = z.strictObject({
  name: z.string(),
  /** Null if it is set, and its value is none that may be told. */
  value: z.string().nullable(),
  /** An option, the name of a variable, or a place in nx.json. */
  from: z.string(),
});
export type DoctorSetting = z.infer<typeof doctorSettingSchema>;

/** What Pinlane can use of a machine and an account. It holds no secret, and no value of a variable that is not one of Pinlane's own settings. */
export const doctorReportSchema = artefact('DoctorReport', {
  at: z.iso.datetime(),
  lane: z.enum(LANES),
  /** Where the lane deploys to; null if it deploys nowhere. */
  environment: deployEnvironmentSchema.nullable(),
  /** Where its processors are deployed. */
  adapters: z.array(z.enum(HOSTING_NAMES)),
  /** `lacking`: something that the lane needs is missing, or a proof went against. `unknown`: it could not be told. */
  verdict: z.enum(['good', 'lacking', 'unknown']),
  versions: z.strictObject({ node: z.string(), nx: z.string().nullable(), pinlane: z.string().nullable() }),
  machine: z.strictObject({
    /** As Node names it, and the release of its kernel. */
    os: z.string(),
    release: z.string(),
    /** Name and version of a Linux distribution; null elsewhere, and if it says none. */
    distribution: z.string().nullable(),
    architecture: z.string(),
    cpus: z.int().nonnegative(),
    memoryBytes: z.int().nonnegative(),
    /** Whether this is root of the machine, or of a container. */
    root: z.boolean(),
    ci: z.boolean(),
  }),
  /** Names of the variables for proxies that are set. */
  proxies: z.array(z.string()),
  /** Names of the variables of Pinlane, Modal, Docker and Node that are set. */
  variables: z.array(z.string()),
  settings: z.array(doctorSettingSchema),
  checks: z.array(doctorCheckSchema),
  /** Null unless it was asked for (`--modal`). */
  modal: modalProofsSchema.nullable(),
}).describe('What Pinlane can use of this machine and account.');
export type DoctorReport = z.infer<typeof doctorReportSchema>;
