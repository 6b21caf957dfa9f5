import { readAll, type BlobDescriptor } from '../../content/index.ts';
import { putUpload } from '../requests/put-upload.ts';
import { beginUpload, type Mount } from '../requests/start-upload.ts';
import { withRetry } from '../retry.ts';
import type { Transport } from '../transport.ts';
import { uploadInChunks } from './chunked.ts';

/** When a blob is sent in chunks, and how large they are, in bytes. */
export interface ChunkPolicy {
  /** Blobs that are larger are sent in chunks, so that an upload which breaks off goes on from there. */
  readonly above: number;
  /** Sizes to try, the largest first; where the registry takes none of them, the blob is sent whole. */
  readonly sizes: readonly number[];
}

/** GitHub's registry takes chunks of 4 MiB at most, Amazon's of 5 MiB at least. */
export const CHUNK_POLICY: ChunkPolicy = { above: 32 * 1024 * 1024, sizes: [16 * 1024 * 1024, 4 * 1024 * 1024] };

/** Blobs up to this size are sent from memory, which takes one write and no stream. */
const IN_MEMORY = 256 * 1024;

type Open = () => AsyncIterable<Uint8Array>;

/** Sends a blob in one request. An upload whose sending failed is begun anew: what the registry has of it is not known. */
const uploadWhole = (transport: Transport, blob: BlobDescriptor, open: Open, mount: Mount | undefined): Promise<void> =>
  withRetry(transport.policy, async () => {
    const start = await beginUpload(transport.attempt, mount);
    if (start.kind === 'mounted') return;
    const body = blob.size <= IN_MEMORY ? await readAll(open(), blob.size, `blob ${blob.digest}`, 'ERR_DIGEST_MISMATCH') : { size: blob.size, open };
    await transport.attempt(putUpload(start.location, blob, body));
  });

/** Uploads a blob; with `mountFrom`, the path of another repository, the registry is asked first to take it from there. */
export type Upload = (blob: BlobDescriptor, open: Open, mountFrom?: string) => Promise<void>;

/**
 * Uploads blobs to one repository. That the registry takes no chunks of some size is found out once.
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
