import type { Digest } from '@pinlane/contracts';
import {
  childBlobs,
  childManifests,
  parseChild,
  parseDocument,
  readingOnce,
  uniqueBlobs,
  type ContentSource,
  type Descriptor,
  type ImageDocument,
} from '../../content/index.ts';
import { readImage } from '../../image/index.ts';

/** A manifest or index, ready to be sent. */
export interface ManifestToPush {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  /** The config and the layers, each digest once. */
  readonly blobs: readonly Descriptor[];
}

/** All parts of an image that are sent to a registry. */
export interface ImageToPush {
  /** The manifests that the root lists, including attestations; none if the root is a manifest. */
  readonly children: readonly ManifestToPush[];
  readonly root: ManifestToPush;
  /** Each digest once. The largest come first, so that no large one is left to be sent alone at the end. */
  readonly blobs: readonly Descriptor[];
}

const toPush = (document: ImageDocument, bytes: Uint8Array): ManifestToPush => ({
  descriptor: document.descriptor,
  bytes,
  blobs: uniqueBlobs(childBlobs(document)),
});

/**
 * Reads an image down to its configs and refuses one that could not be pinned: see `readImage`. A wrong image is thus found before anything of it is sent.
 * @throws ERR_MANIFEST_UNKNOWN, ERR_MANIFEST_INVALID, ERR_PLATFORM_MISSING, ERR_DIGEST_MISMATCH and whatever the source throws
 */
export const readImageToPush = async (from: ContentSource, digest: Digest): Promise<ImageToPush> => {
  const source = readingOnce(from);
  await readImage(source, digest);
  const { bytes } = await source.readManifest(digest);
  const document = parseDocument(bytes);
  const root = toPush(document, bytes);
  const children = await Promise.all(
    uniqueBlobs(childManifests(document)).map(async (listed) => {
      const child = await source.readManifest(listed.digest);
      return toPush(parseChild(listed, child.bytes), child.bytes);
    }),
  );
  const blobs = uniqueBlobs([...children, root].flatMap((manifest) => manifest.blobs)).sort((a, b) => b.size - a.size);
  return { children, root, blobs };
};
