import * as z from 'zod';
import { annotationsSchema, descriptorSchema, mediaTypeSchema } from './descriptor.ts';
import { checkShape, decodeJson } from './json.ts';
import { MANIFEST_TYPES, OCI_MANIFEST } from './media-types.ts';

const LAYERS_AT_MOST = 1000;

/**
 * An image manifest (OCI image specification, manifest.md; Docker's schema 2). Config and layers may be of any type here, because attestations
 * and other artefacts have this form too; whether it is an image that can run is for `readImage` to say.
 */
export const manifestSchema = z.object({
  schemaVersion: z.literal(2),
  // It may be left out in OCI's form alone.
  mediaType: z.enum(MANIFEST_TYPES).default(OCI_MANIFEST),
  artifactType: mediaTypeSchema.optional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(LAYERS_AT_MOST),
  subject: descriptorSchema.optional(),
  annotations: annotationsSchema.optional(),
  // One document must not be readable as both an index and a manifest (CVE-2021-41190).
  manifests: z.never({ error: 'a manifest has no list of manifests' }).optional(),
});
export type Manifest = Omit<z.infer<typeof manifestSchema>, 'manifests'>;

/** Parses a manifest. `value`: the bytes as JSON, where somebody has it. @throws ERR_MANIFEST_INVALID */
export const parseManifest = (bytes: Uint8Array, value = decodeJson('manifest', bytes)): Manifest => {
  const { manifests: _, ...manifest } = checkShape('manifest', bytes, value, manifestSchema);
  return manifest;
};
