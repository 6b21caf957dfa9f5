import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { HOSTING_NAMES } from '../hosting.ts';
import { LANES } from '../lanes.ts';
import { platformSchema } from '../platform-schema.ts';
import { refSchema } from '../ref.ts';
import { pinnedReferenceSchema } from '../reference.ts';
import { checkSchema } from './acceptance.ts';
import { artefact, revisionSchema } from './common.ts';

/** The environments that lanes deploy to. */
export const DEPLOY_ENVIRONMENTS = ['dev', 'staging', 'main'] as const;
export type DeployEnvironment = (typeof DEPLOY_ENVIRONMENTS)[number];
export const deployEnvironmentSchema = z.enum(DEPLOY_ENVIRONMENTS);

/** A fact that somebody was asked for, or why it is not known. Nothing is ever guessed. */
export type Known<T> = { readonly known: true; readonly value: T } | { readonly known: false; readonly reason: string };

/** The schema of a {@link Known} fact. */
export const knownSchema = <T extends z.ZodType>(value: T) =>
  z.discriminatedUnion('known', [z.strictObject({ known: z.literal(true), value }), z.strictObject({ known: z.literal(false), reason: z.string() })]);

const place = {
  adapter: z.enum(HOSTING_NAMES),
  environment: deployEnvironmentSchema,
  /** The name of the app in the environment. */
  app: z.string(),
};

/** The record of a deployment: the image, the place, the evidence that allowed it, and what was found there afterwards. */
export const deploymentSchema = artefact('Deployment', {
  /** When the platform was asked last. */
  at: z.iso.datetime(),
  ref: refSchema,
  lane: z.enum(LANES),
  ...place,
  /** The platform manifest that was to be deployed. */
  image: pinnedReferenceSchema,
  platform: platformSchema,
  /** `planned`: with --dryRun, nothing was done. `unchanged`: it ran already, as it should. `rolled-over`: running containers got rotated secrets. */
  outcome: z.enum(['planned', 'unchanged', 'deployed', 'rolled-over', 'rolled-back', 'stopped', 'failed']),
  /** Why it was deployed anew: what differed before. */
  reasons: z.array(z.string()),
  url: z.url().nullable(),
  /** The digest that the platform's control plane says is configured; null if none is. */
  configured: knownSchema(digestSchema.nullable()),
  /** The digest that /healthz of the deployed URL answered with last. */
  serving: knownSchema(digestSchema.nullable()),
  revision: revisionSchema.nullable(),
  /** The digest of the artefact that carries the acceptance report which allowed it; null if none was asked for. */
  evidence: digestSchema.nullable(),
}).describe('The deployment of a processor: what was to run, what is configured and what serves.');
export type Deployment = z.infer<typeof deploymentSchema>;

/** What a deployed processor showed through its address, in mode mock. */
export const smokeReportSchema = artefact('SmokeReport', {
  ref: refSchema,
  lane: z.enum(LANES),
  ...place,
  url: z.url(),
  /** The platform manifest that is pinned. */
  digest: digestSchema,
  verdict: z.enum(['good', 'bad']),
  checks: z.array(checkSchema),
}).describe('What a deployed processor showed through its address.');
export type SmokeReport = z.infer<typeof smokeReportSchema>;

/** Whether a deployment refused what it must refuse. */
export const probeReportSchema = artefact('ProbeReport', {
  ref: refSchema,
  lane: z.enum(LANES),
  ...place,
  url: z.url(),
  digest: digestSchema,
  /** `bad`: something was carried out, or refused in another way, that had to be refused. `unknown`: it could not be told. */
  verdict: z.enum(['good', 'bad', 'unknown']),
  refusals: z.array(
    z.strictObject({
      name: z.enum(['missing-secret', 'wrong-digest', 'no-credentials']),
      /** `not-applicable`: there is nothing to refuse here, for the reason that the message tells. */
      outcome: z.enum(['refused', 'succeeded', 'refused-otherwise', 'not-applicable', 'unknown']),
      message: z.string(),
    }),
  ),
}).describe('Whether a deployment refused what it must refuse.');
export type ProbeReport = z.infer<typeof probeReportSchema>;

/** The settings of a deployment that a platform tells; each is absent if the platform has no such setting. */
export const deployedSettingsSchema = z.strictObject({
  port: z.number().optional(),
  minContainers: z.number().optional(),
  maxContainers: z.number().optional(),
  idleSeconds: z.number().optional(),
  region: z.string().nullable().optional(),
  proxyAuth: z.boolean().optional(),
  cpu: z.number().optional(),
  /** In GiB. */
  memoryGb: z.number().optional(),
  gpu: z.string().nullable().optional(),
  timeoutSeconds: z.number().optional(),
  concurrency: z.number().optional(),
});
export type DeployedSettings = z.infer<typeof deployedSettingsSchema>;

/** A secret of a platform by its name, with the names of its keys; never a value. */
export const namedSecretSchema = z.strictObject({ name: z.string(), keys: z.array(z.string()) });
export type NamedSecret = z.infer<typeof namedSecretSchema>;

/** What became of a processor's secrets, by the names of their keys; never a value. */
export const secretsReportSchema = artefact('SecretsReport', {
  ref: refSchema,
  lane: z.enum(LANES),
  adapter: z.enum(HOSTING_NAMES),
  environment: deployEnvironmentSchema,
  /** The name of the secret that holds them; null if the processor declares none. */
  secret: z.string().nullable(),
  /** `missing`: a required key is, and nothing was written. `unknown`: it could not be told. */
  verdict: z.enum(['good', 'missing', 'unknown']),
  /** Whether it was only looked. */
  check: z.boolean(),
  keys: z.array(
    z.strictObject({
      name: z.string(),
      required: z.boolean(),
      /** The variable that its value is taken from in this lane. */
      variable: z.string(),
      /**
       * `set`: it was written. `unchanged`: it is there, with the same value as far as its marker tells. `stored`: it is there, with whatever value. `missing`:
       * it is required, and not given or not there. `absent`: it is optional, and not given or not there. `unknown`: it could not be told.
       */
      outcome: z.enum(['set', 'unchanged', 'stored', 'missing', 'absent', 'unknown']),
    }),
  ),
}).describe("What became of a processor's secrets.");
export type SecretsReport = z.infer<typeof secretsReportSchema>;

/** The state of an app as the hosting platform reports it, fact by fact. */
export const observedDeploymentSchema = artefact('ObservedDeployment', {
  ...place,
  /** `absent`: there never was one, or all of it is gone. */
  state: knownSchema(z.enum(['running', 'stopped', 'absent'])),
  /** The platform's count of deployments of this app. */
  version: knownSchema(z.number().nullable()),
  deployedAt: knownSchema(z.iso.datetime().nullable()),
  deployedBy: knownSchema(z.string().nullable()),
  /** Since when it is stopped and by whom, as far as the platform tells; absent if it is not. */
  stopped: z.strictObject({ at: z.iso.datetime().nullable(), by: z.string().nullable() }).optional(),
  /** The digest of the platform manifest that is configured. */
  image: knownSchema(digestSchema.nullable()),
  settings: knownSchema(deployedSettingsSchema.nullable()),
  /** The secrets that it is given. */
  secrets: knownSchema(z.array(namedSecretSchema)),
  /** Whether what runs was given the values that its secrets have now. */
  secretsCurrent: knownSchema(z.boolean()),
  /** Where the app answers; never the address of a dashboard. */
  url: knownSchema(z.url().nullable()),
}).describe('An app as the hosting platform reports it.');
export type ObservedDeployment = z.infer<typeof observedDeploymentSchema>;
