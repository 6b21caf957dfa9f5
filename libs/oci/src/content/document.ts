import { fail } from '@pinlane/contracts';
import type { BlobDescriptor, Descriptor } from './descriptor.ts';
import { parseAnyIndex, type ImageIndex } from './image-index.ts';
import { decodeJson } from './json.ts';
import { parseManifest, type Manifest } from './manifest.ts';
import { isIndexType, isManifestType } from './media-types.ts';
import { remembering } from './remembering.ts';

/** The document that an image's digest names: one platform's manifest, or an index over several. */
export type ImageDocument =
  | { readonly kind: 'index'; readonly descriptor: Descriptor; readonly index: ImageIndex }
  | { readonly kind: 'manifest'; readonly descriptor: Descriptor; readonly manifest: Manifest };

const isIndex = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  const { mediaType, manifests } = value as Record<string, unknown>;
  return typeof mediaType === 'string' ? isIndexType(mediaType) : manifests !== undefined;
};

/**
 * Parses a manifest or an index. The bytes themselves tell which: `mediaType`, or, if that is left out, whether there is a list of manifests. See
 * `remembering`.
 * @throws ERR_MANIFEST_INVALID
 */
export const parseDocument = remembering((bytes, digest): ImageDocument => {
  const value = decodeJson('manifest', bytes);
  const describe = (mediaType: string): Descriptor => ({ mediaType, digest, size: bytes.length });
  if (isIndex(value)) {
    const index = parseAnyIndex(bytes, value);
    return { kind: 'index', descriptor: describe(index.mediaType), index };
  }
  const manifest = parseManifest(bytes, value);
  return { kind: 'manifest', descriptor: describe(manifest.mediaType), manifest };
});

/** Parses what an index lists; its type and size must be those of its entry. @throws ERR_MANIFEST_INVALID */
export const parseListed = (listed: Descriptor, bytes: Uint8Array): ImageDocument => {
  const document = parseDocument(bytes);
  const { mediaType, size } = document.descriptor;
  if (mediaType !== listed.mediaType || size !== listed.size)
    return fail('ERR_MANIFEST_INVALID', `an index lists ${listed.digest} as ${listed.mediaType} of ${listed.size} bytes, and it is ${mediaType} of ${size}`);
  return document;
};

/** The same for a manifest. @throws ERR_MANIFEST_INVALID */
export const parseChild = (listed: Descriptor, bytes: Uint8Array): ImageDocument & { readonly kind: 'manifest' } => {
  const document = parseListed(listed, bytes);
  return document.kind === 'manifest' ? document : fail('ERR_MANIFEST_INVALID', `${listed.digest} is an index in an index, and a manifest is needed`);
};

const isDocument = ({ mediaType }: Descriptor): boolean => isManifestType(mediaType) || isIndexType(mediaType);

/** The manifests and indexes that a document lists; empty for a manifest. */
export const childManifests = (document: ImageDocument): readonly Descriptor[] =>
  document.kind === 'index' ? document.index.manifests.filter(isDocument) : [];

/** The blobs that a document names: of a manifest its config, then its layers; of an index what it lists that is no manifest. */
export const childBlobs = (document: ImageDocument): readonly Descriptor[] =>
  document.kind === 'manifest' ? [document.manifest.config, ...document.manifest.layers] : document.index.manifests.filter((each) => !isDocument(each));

/** The descriptors without repeated digests, in their order. */
export const uniqueBlobs = <D extends BlobDescriptor>(descriptors: readonly D[]): D[] => [...new Map(descriptors.map((d) => [d.digest, d])).values()];
