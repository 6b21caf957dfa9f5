import * as z from 'zod';
import { annotationsSchema, descriptorSchema, mediaTypeSchema } from './descriptor.ts';
import { checkShape, decodeJson } from './json.ts';
import { MANIFEST_TYPES, OCI_MANIFEST } from './media-types.ts';

const LAYERS_AT_MOST = 1000;

/**
 * An image manifest (OCI image specification, manifest.md; Docker's schema 2). Config and layers may have any type here, because attestations and other
 * artefacts are manifests too; `readImage` checks whether one is an image that can run.
 */
export const manifestSchema = z.object({
  schemaVersion: z.literal(2),
  // Only OCI's form may leave it out.
  mediaType: z.enum(MANIFEST_TYPES).default(OCI_MANIFEST),
  artifactType: mediaTypeSchema.optional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(LAYERS_AT_MOST),
  subject: descriptorSchema.optional(),
  annotations: annotationsSchema.optional(),
  // One document must not be readable as both an index and a manifest (CVE-2021-41190).
  manifests: z.never({ error: 'a manifest has no list of manifests' }).optional(),
  fsLayers: z.never({ error: 'a manifest of schema 2 has no fsLayers' }).optional(),
});
export type Manifest = Omit<z.infer<typeof manifestSchema>, 'manifests' | 'fsLayers'>;

/** Parses a manifest. `value` spares decoding the bytes if the caller has done that. @throws ERR_MANIFEST_INVALID */
export const parseManifest = (bytes: Uint8Array, value = decodeJson('manifest', bytes)): Manifest => {
  const { manifests: _, fsLayers: __, ...manifest } = checkShape('manifest', bytes, value, manifestSchema);
  return manifest;
};
