import type { Digest, PinnedReference, Repository } from '@pinlane/contracts';
import type { BlobDescriptor, Descriptor } from './descriptor.ts';
import type { ChunkUse } from './file-chunks.ts';

/** Where images are read from. Both methods check the bytes that they deliver against the digest, and trust nothing else. */
export interface ContentSource {
  /** Set for a repository of a registry. What is built on its images can leave their layers there. */
  readonly repository?: Repository;
  /** A manifest or index, whole. @throws ERR_MANIFEST_UNKNOWN, ERR_MANIFEST_INVALID, ERR_DIGEST_MISMATCH */
  readManifest(digest: Digest): Promise<{ readonly descriptor: Descriptor; readonly bytes: Uint8Array }>;
  /** A blob as a stream, to be read once. An error comes at the stream's end at the latest. @throws ERR_BLOB_UNKNOWN, ERR_STORE_CORRUPT, ERR_DIGEST_MISMATCH */
  openBlob(blob: BlobDescriptor, use?: ChunkUse): AsyncIterable<Uint8Array>;
  /** Fetches blobs that will be read and are elsewhere, several at once; absent where none is. @throws ERR_LAYER_GONE, ERR_REGISTRY_* */
  bring?(blobs: readonly BlobDescriptor[]): Promise<void>;
}

/** A source that leaves blobs where they are, and knows where that is. */
export interface LeavingSource extends ContentSource {
  /** The images in registries as a part of which a blob is to be had, whether it is here or not. */
  imagesOf(blob: BlobDescriptor): Promise<readonly PinnedReference[]>;
  /** Asks the registries whether a blob that is elsewhere is there; it is not fetched. False for one that is not elsewhere. @throws ERR_LAYER_GONE, ERR_REGISTRY_* */
  isElsewhere(blob: BlobDescriptor): Promise<boolean>;
  /** A blob's bytes as `openBlob` gives them, but what comes from elsewhere is not kept. @throws ERR_LAYER_GONE, ERR_REGISTRY_* */
  passBlob(blob: BlobDescriptor): AsyncIterable<Uint8Array>;
}

/** Where blobs alone are read from. */
export type BlobSource = Pick<ContentSource, 'openBlob'>;

/** Where images are written to. Blobs come first, then the manifests that name them, then the index. */
export interface ContentSink {
  hasBlob(blob: BlobDescriptor): Promise<boolean>;
  /** Writes a blob unless the sink has it. `open` gives its bytes from the start, and may be called again after a failure. */
  putBlob(blob: BlobDescriptor, open: () => AsyncIterable<Uint8Array>): Promise<void>;
  putManifest(descriptor: Descriptor, bytes: Uint8Array): Promise<void>;
}
