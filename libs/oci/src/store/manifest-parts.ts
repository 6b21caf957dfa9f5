import * as z from 'zod';
import { fail, isPinlaneError } from '@pinlane/contracts';
import {
  annotationsSchema,
  childBlobs,
  childManifests,
  descriptorPlatformSchema,
  DOCKER_INDEX,
  DOCKER_MANIFEST,
  isIndexType,
  isManifestType,
  MANIFEST_LIMIT,
  OCI_INDEX,
  OCI_MANIFEST,
  parseDocument,
  remembering,
} from '../content/index.ts';
import { checkShape, decodeJson } from '../content/json.ts';
import { anyDigestSchema, type AnyBlob } from './digests.ts';

const anything = z.unknown().optional();
const referenceSchema = z.object({
  mediaType: z.string().min(1),
  digest: anyDigestSchema,
  size: z.number().int().nonnegative(),
  // Not read here, and named so that no key is one of them but for case.
  platform: descriptorPlatformSchema.partial().nullish(),
  annotations: z.record(z.string(), z.unknown()).nullish(),
  artifactType: anything,
  data: anything,
  urls: anything,
});
const common = {
  schemaVersion: z.literal(2),
  artifactType: z.string().optional(),
  subject: referenceSchema.optional(),
  annotations: annotationsSchema.nullish(),
  fsLayers: z.never().optional(),
};
const manifestSchema = z.object({
  ...common,
  mediaType: z.enum([OCI_MANIFEST, DOCKER_MANIFEST]).default(OCI_MANIFEST),
  config: referenceSchema,
  // Go writes an empty list as null.
  layers: z.array(referenceSchema).nullish(),
  manifests: z.never().optional(),
});
const indexSchema = z.object({
  ...common,
  mediaType: z.enum([OCI_INDEX, DOCKER_INDEX]).default(OCI_INDEX),
  manifests: z.array(referenceSchema).nullish(),
  config: z.never().optional(),
  layers: z.never().optional(),
});

/** The content that a manifest or an index names, and its own fields that a list of referrers shows. */
export interface ManifestParts {
  readonly mediaType: string;
  readonly manifests: readonly (AnyBlob & { readonly mediaType: string })[];
  readonly blobs: readonly (AnyBlob & { readonly mediaType: string })[];
  readonly subject: AnyBlob | undefined;
  /** The config's media type for a manifest that has no artifact type of its own (distribution specification, "Listing Referrers"). */
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

/** What an image's own document names; undefined if it is not one that is parsed as strictly as an image's. */
const partsOfImage = (bytes: Uint8Array): ManifestParts | undefined => {
  try {
    const document = parseDocument(bytes);
    const { mediaType } = document.descriptor;
    const { subject, artifactType, annotations } = document.kind === 'index' ? document.index : document.manifest;
    const own = document.kind === 'index' ? artifactType : artifactType || document.manifest.config.mediaType;
    return { mediaType, manifests: childManifests(document), blobs: childBlobs(document), subject, artifactType: own, annotations };
  } catch (error) {
    if (isPinlaneError(error, 'ERR_MANIFEST_INVALID')) return undefined;
    throw error;
  }
};

/**
 * Reads what a manifest or an index names, and no more. The store keeps any valid document, even one that Pinlane would not use, such as an index in an
 * index; a document that is used as an image is parsed strictly. One that other readers take otherwise is none: see `parseStrictJson` and `findMisspelt`.
 * The same bytes are read once: see `remembering`.
 * @throws ERR_MANIFEST_INVALID if the bytes are neither a manifest nor an index
 */
export const requireParts = remembering((bytes, digest): ManifestParts => {
  // Nearly all that a store keeps are images, which are parsed for their other readers anyway.
  const ofImage = partsOfImage(bytes);
  if (ofImage !== undefined) return ofImage;
  const value = decodeJson('manifest', bytes, MANIFEST_LIMIT);
  if (typeof value !== 'object' || value === null) return fail('ERR_MANIFEST_INVALID', `manifest ${digest}: is neither a manifest nor an index`);
  const { mediaType: said, manifests } = value as { mediaType?: unknown; manifests?: unknown };
  const asIndex = typeof said === 'string' ? isIndexType(said) : manifests !== undefined;
  if (asIndex) {
    const data = checkShape('index', bytes, value, indexSchema);
    const listed = data.manifests ?? [];
    // A cache of BuildKit's lists its layers in an index.
    const isDocument = ({ mediaType }: { mediaType: string }) => isIndexType(mediaType) || isManifestType(mediaType);
    return {
      mediaType: data.mediaType,
      manifests: listed.filter(isDocument),
      blobs: listed.filter((each) => !isDocument(each)),
      subject: data.subject,
      artifactType: data.artifactType,
      annotations: data.annotations ?? undefined,
    };
  }
  const data = checkShape('manifest', bytes, value, manifestSchema);
  return {
    mediaType: data.mediaType,
    manifests: [],
    blobs: [data.config, ...(data.layers ?? [])],
    subject: data.subject,
    artifactType: data.artifactType || data.config.mediaType,
    annotations: data.annotations ?? undefined,
  };
});

/** As `requireParts`. @returns undefined if the bytes are neither a manifest nor an index */
export const readParts = (bytes: Uint8Array): ManifestParts | undefined => {
  try {
    return requireParts(bytes);
  } catch (error) {
    if (isPinlaneError(error, 'ERR_MANIFEST_INVALID')) return undefined;
    throw error;
  }
};
