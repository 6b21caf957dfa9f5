import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { platformSchema } from '../platform-schema.ts';
import { pinnedReferenceSchema, repositorySchema } from '../reference.ts';
import { artefact, platformDigestsSchema, revisionSchema } from './common.ts';

/** A build, with every decision made; engines carry it out and decide nothing. */
export const buildPlanSchema = artefact('BuildPlan', {
  slug: z.string(),
  target: z.string().nullable(),
  platforms: z.array(platformSchema).min(1),
  buildArgs: z.record(z.string(), z.string()),
  labels: z.record(z.string(), z.string()),
  /** The images that the Dockerfile names in FROM, each with the index or manifest that it stood for. */
  bases: z.record(z.string(), pinnedReferenceSchema),
  fingerprint: digestSchema,
  /** The repository in which the image gets its name: one of a registry, or of store.localhost. */
  repository: repositorySchema,
  push: z.boolean(),
});
export type BuildPlan = z.infer<typeof buildPlanSchema>;

/** The record of an image that was built: the digest of each platform's manifest and of the index over them, and what they were built with. */
export const builtImageSchema = artefact('BuiltImage', {
  /** The Nx project that was built: a processor's slug, or a base's name. */
  name: z.string(),
  repository: repositorySchema,
  platforms: platformDigestsSchema,
  index: digestSchema,
  fingerprint: digestSchema,
  revision: revisionSchema.nullable(),
  /** Null if the image was found, by its pin or by the tag of its fingerprint, and who built it is not known. */
  engine: z
    .strictObject({
      name: z.enum(['embedded', 'docker']),
      version: z.string(),
      /** Docker's builder. It is recorded because an upgrade of it alone can change digests. */
      builder: z.strictObject({ name: z.string(), driver: z.string(), buildx: z.string(), buildkit: z.string(), docker: z.string().nullable() }).optional(),
      /** Whether image and index hold no time of the build. Then the same source and builder give the same digests, if RUN steps repeat. */
      reproducible: z.boolean().optional(),
    })
    .nullable(),
  bases: z.record(z.string(), pinnedReferenceSchema),
  pushed: z.boolean(),
}).describe('The image that was built, or found to be there.');
export type BuiltImage = z.infer<typeof builtImageSchema>;
