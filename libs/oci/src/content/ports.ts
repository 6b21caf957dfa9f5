import type { Digest } from '@pinlane/contracts';
import type { BlobDescriptor, Descriptor } from './descriptor.ts';
import type { ChunkUse } from './file-chunks.ts';

/** Where images are read from. Both methods check the bytes that they deliver against the digest, and trust nothing else. */
export interface ContentSource {
  /** A manifest or index, whole. @throws ERR_MANIFEST_UNKNOWN, ERR_MANIFEST_INVALID, ERR_DIGEST_MISMATCH */
  readManifest(digest: Digest): Promise<{ readonly descriptor: Descriptor; readonly bytes: Uint8Array }>;
  /** A blob as a stream, to be read once. An error comes at the stream's end at the latest. @throws ERR_BLOB_UNKNOWN, ERR_STORE_CORRUPT, ERR_DIGEST_MISMATCH */
  openBlob(blob: BlobDescriptor, use?: ChunkUse): AsyncIterable<Uint8Array>;
}

/** Where images are written to. Blobs come first, then the manifests that name them, then the index. */
export interface ContentSink {
  hasBlob(blob: BlobDescriptor): Promise<boolean>;
  /** Writes a blob unless the sink has it. `open` gives its bytes from the start, and may be called again after a failure. */
  putBlob(blob: BlobDescriptor, open: () => AsyncIterable<Uint8Array>): Promise<void>;
  putManifest(descriptor: Descriptor, bytes: Uint8Array): Promise<void>;
}
