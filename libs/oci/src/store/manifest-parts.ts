import * as z from 'zod';
import { DOCKER_INDEX, DOCKER_MANIFEST, isIndexType, isManifestType, OCI_INDEX, OCI_MANIFEST } from '../content/index.ts';
import { anyDigestSchema, type AnyBlob } from './digests.ts';

const referenceSchema = z.object({ mediaType: z.string().min(1), digest: anyDigestSchema, size: z.number().int().nonnegative() });
const common = {
  schemaVersion: z.literal(2),
  artifactType: z.string().optional(),
  subject: referenceSchema.optional(),
  annotations: z.record(z.string(), z.string()).nullish(),
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

const asJson = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
};

/**
 * Reads what a manifest or an index names, and no more. The store keeps any valid document, even one that Pinlane would not use, such as an index in an
 * index; a document that is used as an image is parsed strictly.
 * @returns undefined if the bytes are neither a manifest nor an index
 */
export const readParts = (bytes: Uint8Array): ManifestParts | undefined => {
  const value = asJson(bytes);
  const said = (value as { mediaType?: unknown } | null | undefined)?.mediaType;
  const asIndex = typeof said === 'string' ? isIndexType(said) : (value as { manifests?: unknown } | null | undefined)?.manifests !== undefined;
  if (asIndex) {
    const { data } = indexSchema.safeParse(value);
    if (!data) return undefined;
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
  const { data } = manifestSchema.safeParse(value);
  if (!data) return undefined;
  return {
    mediaType: data.mediaType,
    manifests: [],
    blobs: [data.config, ...(data.layers ?? [])],
    subject: data.subject,
    artifactType: data.artifactType || data.config.mediaType,
    annotations: data.annotations ?? undefined,
  };
};
