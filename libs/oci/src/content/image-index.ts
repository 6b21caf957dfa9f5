import { z } from 'zod';
import { annotationsSchema, descriptorSchema, mediaTypeSchema } from './descriptor.ts';
import { checkShape, decodeJson } from './json.ts';
import { INDEX_TYPES, isIndexType, isManifestType, OCI_INDEX } from './media-types.ts';

const MANIFESTS_AT_MOST = 1000;

const indexSchema = (nested: boolean) =>
  z.object({
    schemaVersion: z.literal(2),
    mediaType: z.enum(INDEX_TYPES).default(OCI_INDEX),
    artifactType: mediaTypeSchema.optional(),
    manifests: z
      .array(
        descriptorSchema.superRefine(({ mediaType }, context) => {
          if (isManifestType(mediaType) || (nested && isIndexType(mediaType))) return;
          const message = isIndexType(mediaType) ? 'an index in an index is not allowed here' : `${mediaType} is not a manifest's media type`;
          context.addIssue({ code: 'custom', path: ['mediaType'], message });
        }),
      )
      .max(MANIFESTS_AT_MOST),
    subject: descriptorSchema.optional(),
    annotations: annotationsSchema.optional(),
    config: z.never({ error: 'an index has no config' }).optional(),
    layers: z.never({ error: 'an index has no layers' }).optional(),
  });

const flat = indexSchema(false);
const deep = indexSchema(true);

export type ImageIndex = Omit<z.infer<typeof flat>, 'config' | 'layers'>;

/**
 * Parses an image index (OCI image specification, image-index.md; Docker's manifest list). `nested` allows indexes among its entries, as
 * a layout's index.json has them; elsewhere they are refused.
 * @throws ERR_MANIFEST_INVALID
 */
export const parseIndex = (bytes: Uint8Array, { nested = false }: { readonly nested?: boolean } = {}): ImageIndex => {
  const { config: _, layers: __, ...index } = checkShape('index', bytes, decodeJson('index', bytes), nested ? deep : flat);
  return index;
};
