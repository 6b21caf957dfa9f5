import * as z from 'zod';
import { annotationsSchema, descriptorSchema, mediaTypeSchema } from './descriptor.ts';
import { checkShape, decodeJson } from './json.ts';
import { INDEX_TYPES, isIndexType, isManifestType, OCI_INDEX } from './media-types.ts';

const MANIFESTS_AT_MOST = 1000;
/** A layout's index.json lists every named image, so it may grow larger than any image's index; in bytes. */
const LAYOUT_LIMIT = 64 * 1024 * 1024;

/** What an index may list besides manifests. */
type Others = 'none' | 'indexes' | 'any';

const indexSchema = (others: Others, atMost: number) =>
  z.object({
    schemaVersion: z.literal(2),
    mediaType: z.enum(INDEX_TYPES).default(OCI_INDEX),
    artifactType: mediaTypeSchema.optional(),
    manifests: z
      .array(
        descriptorSchema.superRefine(({ mediaType }, context) => {
          if (others === 'any' || isManifestType(mediaType) || (others === 'indexes' && isIndexType(mediaType))) return;
          const message = isIndexType(mediaType) ? 'an index in an index is not allowed here' : `${mediaType} is not a manifest's media type`;
          context.addIssue({ code: 'custom', path: ['mediaType'], message });
        }),
      )
      .max(atMost),
    subject: descriptorSchema.optional(),
    annotations: annotationsSchema.optional(),
    config: z.never({ error: 'an index has no config' }).optional(),
    layers: z.never({ error: 'an index has no layers' }).optional(),
    fsLayers: z.never({ error: 'an index has no fsLayers' }).optional(),
  });

const imageIndexSchema = indexSchema('none', MANIFESTS_AT_MOST);
const anyIndexSchema = indexSchema('any', MANIFESTS_AT_MOST);
const layoutIndexSchema = indexSchema('indexes', Infinity);

export type ImageIndex = Omit<z.infer<typeof imageIndexSchema>, 'config' | 'layers' | 'fsLayers'>;

/**
 * Parses an image index (OCI image specification, image-index.md; Docker's manifest list), and refuses an index among its entries. `value` spares decoding
 * the bytes if the caller has done that.
 * @throws ERR_MANIFEST_INVALID
 */
export const parseIndex = (bytes: Uint8Array, value = decodeJson('index', bytes)): ImageIndex => {
  const { config: _, layers: __, fsLayers: ___, ...index } = checkShape('index', bytes, value, imageIndexSchema);
  return index;
};

/** The same, but an index may list what it likes: another index, or an artifact that is no manifest. Whoever uses one looks at what it is. @throws ERR_MANIFEST_INVALID */
export const parseAnyIndex = (bytes: Uint8Array, value = decodeJson('index', bytes)): ImageIndex => {
  const { config: _, layers: __, fsLayers: ___, ...index } = checkShape('index', bytes, value, anyIndexSchema);
  return index;
};

/** Parses the index.json of an image layout (image-layout.md), whose entries may be indexes. @throws ERR_MANIFEST_INVALID */
export const parseLayoutIndex = (bytes: Uint8Array): ImageIndex => {
  const { config: _, layers: __, fsLayers: ___, ...index } = checkShape('index.json', bytes, decodeJson('index.json', bytes, LAYOUT_LIMIT), layoutIndexSchema);
  return index;
};
