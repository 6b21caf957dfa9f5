import * as z from '../zod.ts';
import { digestSchema } from '../digest.ts';
import { byArchitecture } from '../platform.ts';

/** The envelope of every artefact: strict JSON that names its kind and the version of its schema. */
export const artefact = <K extends string, S extends z.ZodRawShape>(kind: K, shape: S) =>
  z.strictObject({ kind: z.literal(kind), schemaVersion: z.literal(1), ...shape });

/** One digest for each platform that was built, pinned or seen. */
export const platformDigestsSchema = z.strictObject(byArchitecture(() => digestSchema.optional()));
export type PlatformDigests = z.infer<typeof platformDigestsSchema>;

export const revisionSchema = z.string().regex(/^[a-f0-9]{40}(?:[a-f0-9]{24})?$/);
