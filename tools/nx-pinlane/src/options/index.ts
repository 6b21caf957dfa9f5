import { RUNTIME_NAMES } from '@pinlane/contracts';
import * as z from 'zod';
import { building, bundling, common, inferred, reaching, skippable, uncached } from './common.ts';
import { buildArgs, docker } from './docker.ts';

/** The options of each executor; schemas/<verb>.json is made from them (`node tools/nx-pinlane/schemas.mjs`). */
export const OPTIONS = {
  bundle: z.strictObject({ ...bundling, ...common }),
  buildx: z.strictObject({
    ...building,
    buildArgs,
    ...uncached('Build even where an image with the same fingerprint is in the store.'),
    ...docker,
    bundle: z
      .object(bundling)
      .optional()
      .describe('How the processor is bundled before its image is built: the options of its target `bundle`, set by the plugin.'),
    ...inferred,
    ...skippable,
    ...common,
  }),
  pin: z.strictObject({
    ...building,
    digest: z
      .string()
      .optional()
      .describe('Pin this image instead of the one that was built, for example to roll back: repository@sha256:…, an index or one platform.'),
    check: z.boolean().optional().describe('Write nothing; tell whether source and pins have parted (ERR_PIN_STALE).'),
    dryRun: z.boolean().optional().describe('Write nothing; print the edit.'),
    ...common,
  }),
  acceptance: z.strictObject({
    pinned: z.boolean().optional().describe('Test the pinned image and build nothing; set by -c pinned, and by the lanes that test what is pinned.'),
    runtime: z
      .enum(['auto', ...RUNTIME_NAMES])
      .optional()
      .describe(
        'What runs the image: bubblewrap, unshare, docker, or host, which isolates nothing. PINLANE_RUNTIME where absent, else the best that is there.',
      ),
    attach: z
      .boolean()
      .optional()
      .describe('Attach the report on a pinned image that passed to its manifest, as evidence for later lanes; what lane staging does by itself.'),
    evidence: z.boolean().optional().describe('Tell what evidence earlier lanes attached to the pinned image; what lanes dev and main do by themselves.'),
    platform: z.string().optional().describe("The platform to test; the machine's own where absent."),
    engine: building.engine,
    registry: building.registry,
    ...reaching,
    ...common,
  }),
  base: z.strictObject({
    ...uncached('Assemble the base even where the store has it; the digest is the same.'),
    ...reaching,
    ...skippable,
    ...common,
  }),
  'base-update': z.strictObject({ ...common }),
  'verify-pins': z.strictObject({
    concurrency: z.int().min(1).max(64).default(8).describe('How many processors are looked at at once.'),
    ...reaching,
    ...common,
  }),
  'store-gc': z.strictObject({
    dryRun: z.boolean().optional().describe('Remove nothing; tell what would be removed.'),
    graceMinutes: z.number().min(0).default(60).describe('What was written or used within this many minutes stays: someone may be about to name it.'),
    json: common.json,
  }),
  'store-serve': z.strictObject({
    port: z.number().int().min(0).max(65535).default(5055).describe('The port to listen on; 0 takes a free one.'),
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('The address to listen on. On any other than the loopback everyone who can reach it may read and write.'),
    store: z.string().optional().describe("The store's folder, relative to the workspace's root; .pinlane/store where absent."),
    readonly: z.boolean().optional().describe('Take nothing: images can be pulled and not pushed.'),
    blobLimitMb: z.number().positive().default(16_384).describe('The largest blob that is taken, in MiB.'),
    quiet: z.boolean().optional().describe('Write no line for each request.'),
    json: common.json,
  }),
};

/** The name of an executor. */
export type Verb = keyof typeof OPTIONS;

/** An executor's options, parsed. */
export type OptionsOf<V extends Verb> = z.output<(typeof OPTIONS)[V]>;

const TITLES: Record<Verb, string> = {
  bundle: 'Bundles a processor into one file.',
  buildx: "Builds a processor's image for every platform and keeps it in the local store, or pushes it.",
  pin: "Writes the digests of a processor's image into its registry.yaml, after verifying the bytes.",
  acceptance: "Runs a processor's image in isolation and holds it to the processor contract and to its own cases.",
  base: 'Assembles the base image from its lock, for every platform.',
  'base-update': "Resolves the base's packages anew, writes its lock and prints what changed.",
  'verify-pins': 'Looks at every pin of the workspace: it is there whole, its bytes have the digest, and it is for the platform it is pinned for.',
  'store-gc': 'Frees disk space: removes from the local store what no registry.yaml pins, no build record names and no name in the store reaches.',
  'store-serve': 'Serves the local store as a registry, for Docker and any other client, until it is stopped.',
};

/** The JSON Schema with which Nx checks an executor's options and prints its --help. Draft 7 and without a root id: Nx follows no other. */
export const optionsJsonSchema = (verb: Verb): Record<string, unknown> => {
  const { $schema, ...schema } = z.toJSONSchema(OPTIONS[verb], { target: 'draft-7', io: 'input' });
  return { $schema, version: 2, title: `@pinlane/nx:${verb}`, description: TITLES[verb], ...schema };
};
