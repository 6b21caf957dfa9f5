import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { platformSchema } from '../platform.ts';
import { pinnedReferenceSchema, repositorySchema } from '../reference.ts';
import { artefact, platformDigestsSchema, revisionSchema } from './common.ts';

/** What is to be built, decided from a spec and from facts; engines carry it out and decide nothing. */
export const buildPlanSchema = artefact('BuildPlan', {
  slug: z.string(),
  target: z.string().nullable(),
  platforms: z.array(platformSchema).min(1),
  buildArgs: z.record(z.string(), z.string()),
  labels: z.record(z.string(), z.string()),
  /** Images named in FROM, each with the index (or manifest) by digest that stands for it. */
  bases: z.record(z.string(), pinnedReferenceSchema),
  fingerprint: digestSchema,
  /** Where the image is named: a repository of a registry, or of store.localhost. */
  repository: repositorySchema,
  push: z.boolean(),
});
export type BuildPlan = z.infer<typeof buildPlanSchema>;

/** What was built: the digest of each platform's manifest and of the index over them. */
export const builtImageSchema = artefact('BuiltImage', {
  /** The Nx project that was built: a processor's slug, or a base's name. */
  name: z.string(),
  repository: repositorySchema,
  platforms: platformDigestsSchema,
  index: digestSchema,
  fingerprint: digestSchema,
  revision: revisionSchema.nullable(),
  engine: z.strictObject({
    name: z.enum(['embedded', 'docker']),
    version: z.string(),
    /** Docker's builder: an upgrade of it alone can change digests. */
    builder: z.strictObject({ name: z.string(), driver: z.string(), buildx: z.string(), buildkit: z.string(), docker: z.string().nullable() }).optional(),
    /** Whether nothing in the image and its index tells of the moment, so that the same source and builder give the same digests wherever RUN does. */
    reproducible: z.boolean().optional(),
  }),
  /** What was asked of the builder besides the source, as one hash; absent where nothing was. */
  variant: digestSchema.optional(),
  /** Names that the Dockerfile uses and that were given a context of their own, so that they are no images. */
  contexts: z.array(z.string()).optional(),
  bases: z.record(z.string(), pinnedReferenceSchema),
  pushed: z.boolean(),
  /** The key under which Nx keeps the result of the `buildx` task that built it, or found it built; absent outside of Nx. */
  cacheKey: z.string().optional(),
}).describe('The image that was built, or found to be there.');
export type BuiltImage = z.infer<typeof builtImageSchema>;
