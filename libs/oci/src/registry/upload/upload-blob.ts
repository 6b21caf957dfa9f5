import { readAll, type BlobDescriptor } from '../../content/index.ts';
import { beginUpload, putUpload, type Mount } from '../requests/uploads.ts';
import { withRetry } from '../http/retry.ts';
import type { Transport } from '../requests/transport.ts';
import { uploadInChunks } from './chunked.ts';

/** Which blobs are sent in chunks, and how large the chunks are, in bytes. */
export interface ChunkPolicy {
  /** Larger blobs are sent in chunks, so that an interrupted upload can go on. */
  readonly above: number;
  /** Sizes to try, the largest first. If the registry takes none of them, the blob is sent whole. */
  readonly sizes: readonly number[];
}

/** GitHub's registry takes chunks of 4 MiB at most, Amazon's of 5 MiB at least. */
export const CHUNK_POLICY: ChunkPolicy = { above: 32 * 1024 * 1024, sizes: [16 * 1024 * 1024, 4 * 1024 * 1024] };

/** Blobs up to this size, in bytes, are sent from memory, which takes one write and no stream. */
const IN_MEMORY = 256 * 1024;

type Open = () => AsyncIterable<Uint8Array>;

/** Sends a blob in one request. After a failure a new upload begins, because nobody knows how much of the last one the registry has. */
const uploadWhole = (transport: Transport, blob: BlobDescriptor, open: Open, mount: Mount | undefined): Promise<void> =>
  withRetry(transport.policy, async (patience) => {
    const start = await beginUpload((request) => transport.attempt(request, patience), mount);
    if (start.kind === 'mounted') return;
    const body = blob.size <= IN_MEMORY ? await readAll(open(), blob.size, `blob ${blob.digest}`, 'ERR_DIGEST_MISMATCH') : { size: blob.size, open };
    await transport.attempt(putUpload(start.location, blob, body), patience);
  });

/** Uploads a blob. With `mountFrom`, another repository's path, the registry is first asked to mount it from there. */
export type Upload = (blob: BlobDescriptor, open: Open, mountFrom?: string) => Promise<void>;

/**
 * Makes the uploads to one repository. It remembers the sizes of chunks that the registry refused.
 * @throws ERR_REGISTRY_DENIED, ERR_REGISTRY_AUTH, ERR_REGISTRY_UNAVAILABLE, ERR_DIGEST_MISMATCH and what `open` throws
 */
export const createUpload = (transport: Transport, { above, sizes }: ChunkPolicy): Upload => {
  const left = [...sizes];
  return async (blob, open, mountFrom) => {
    const mount = mountFrom === undefined ? undefined : { digest: blob.digest, from: mountFrom };
    while (blob.size > above && left.length > 0) {
      const chunkBytes = left[0]!;
      if (await uploadInChunks(transport, blob, open, { mount, chunkBytes })) return;
      if (left[0] === chunkBytes) left.shift();
    }
    await uploadWhole(transport, blob, open, mount);
  };
};
