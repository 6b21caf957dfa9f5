import { fail, type Digest } from '@pinlane/contracts';
import type { BlobDescriptor, Descriptor } from './descriptor.ts';
import { parseAnyIndex, type ImageIndex } from './image-index.ts';
import { decodeJson } from './json.ts';
import { parseManifest, type Manifest } from './manifest.ts';
import { isIndexType, isManifestType } from './media-types.ts';
import { sha256 } from './sha256.ts';

/** The document that an image's digest names: one platform's manifest, or an index over several. */
export type ImageDocument =
  | { readonly kind: 'index'; readonly descriptor: Descriptor; readonly index: ImageIndex }
  | { readonly kind: 'manifest'; readonly descriptor: Descriptor; readonly manifest: Manifest };

const isIndex = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return false;
  const { mediaType, manifests } = value as Record<string, unknown>;
  return typeof mediaType === 'string' ? isIndexType(mediaType) : manifests !== undefined;
};

/** How many parsed documents are kept in memory, and up to which size in bytes. */
const REMEMBERED = { count: 256, size: 64 * 1024 };

// A build and its push parse the same few manifests a dozen times. The bytes behind a digest never change, so neither does the result.
const remembered = new Map<Digest, ImageDocument>();

/**
 * Parses a manifest or an index. The bytes themselves tell which: `mediaType`, or, if that is left out, whether there is a list of manifests. All callers
 * that parse the same bytes share one result, so nobody may change it.
 * @throws ERR_MANIFEST_INVALID
 */
export const parseDocument = (bytes: Uint8Array): ImageDocument => {
  const digest = sha256(bytes);
  const known = remembered.get(digest);
  if (known) return known;
  const value = decodeJson('manifest', bytes);
  const describe = (mediaType: string): Descriptor => ({ mediaType, digest, size: bytes.length });
  const read = (): ImageDocument => {
    if (isIndex(value)) {
      const index = parseAnyIndex(bytes, value);
      return { kind: 'index', descriptor: describe(index.mediaType), index };
    }
    const manifest = parseManifest(bytes, value);
    return { kind: 'manifest', descriptor: describe(manifest.mediaType), manifest };
  };
  const document = read();
  if (bytes.length <= REMEMBERED.size) {
    const [oldest] = remembered.keys();
    if (remembered.size >= REMEMBERED.count && oldest) remembered.delete(oldest);
    remembered.set(digest, document);
  }
  return document;
};

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
