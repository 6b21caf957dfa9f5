import { isPinlaneError } from '@pinlane/contracts';
import type { BlobDescriptor } from '../../content/index.ts';
import { RegistryUnavailable } from '../http/failure.ts';
import { createPatience, type Patience } from '../http/retry.ts';
import { checkBlob } from '../requests/blobs.ts';
import type { Transport } from '../requests/transport.ts';
import { beginUpload, patchUpload, putUpload, uploadStatus, type Mount, type UploadStart, type UploadStatus } from '../requests/uploads.ts';
import { createCursor, type Cursor } from './cursor.ts';

/** `refused`: the registry takes no chunks of this size, or has mixed them up. `lost`: the registry does not know the upload any more. */
type Outcome = 'done' | 'refused' | 'lost';

/** What one request of an upload came to. */
type Step =
  { readonly kind: 'done' } | { readonly kind: 'refused' } | ({ readonly kind: 'on' } & UploadStatus) | { readonly kind: 'failed'; readonly failure: unknown };

interface ChunkedUpload {
  readonly transport: Transport;
  readonly blob: BlobDescriptor;
  readonly cursor: Cursor;
  /** The size of every chunk but the last, in bytes. */
  readonly chunkBytes: number;
  readonly patience: Patience;
}

const NOTHING = new Uint8Array(0);

/** Sends the chunk at an offset, or ends the upload if all bytes are sent. */
const sendNext = async ({ transport, blob, cursor, chunkBytes, patience }: ChunkedUpload, { location, offset }: UploadStatus): Promise<Step> => {
  try {
    if (offset >= blob.size) {
      await transport.attempt(putUpload(location, blob, NOTHING), patience);
      return { kind: 'done' };
    }
    const size = Math.min(chunkBytes, blob.size - offset);
    const outcome = await transport.attempt(patchUpload(location, offset, { size, open: () => cursor.read(offset, size) }), patience);
    if (outcome.kind === 'refused') return { kind: 'refused' };
    if (outcome.kind === 'accepted') return { kind: 'on', location: outcome.location, offset: offset + size };
    return {
      kind: 'failed',
      failure: new RegistryUnavailable(`the registry has another number of bytes of ${blob.digest} than the ${offset} that were sent`),
    };
  } catch (failure) {
    // The bytes that were sent are right, or reading them would have failed. So the registry has some of them twice, or not at all.
    if (offset >= blob.size && isPinlaneError(failure, 'ERR_DIGEST_MISMATCH')) return { kind: 'refused' };
    return { kind: 'failed', failure };
  }
};

/** Sends the chunks of one upload and ends it. After a failure, the registry is asked how far the upload has come, and it goes on from there. */
const sendChunks = async (upload: ChunkedUpload, begun: URL): Promise<Outcome> => {
  const { transport, blob, patience } = upload;
  let at: UploadStatus = { location: begun, offset: 0 };
  // Progress is only what goes beyond all bytes before: a registry that forgets chunks would otherwise be sent the same ones for ever.
  let farthest = 0;
  for (;;) {
    const step = await sendNext(upload, at);
    if (step.kind === 'done' || step.kind === 'refused') return step.kind;
    if (step.kind === 'on') {
      at = step;
      if (at.offset > farthest) patience.goesOn();
      farthest = Math.max(farthest, at.offset);
      continue;
    }
    await patience.afterFailure(step.failure);
    const status = await transport.call(uploadStatus(at.location));
    // If all bytes are sent, the upload may have ended, and only the answer been lost.
    if (status === undefined) return at.offset >= blob.size && (await transport.call(checkBlob(blob))) ? 'done' : 'lost';
    at = status;
  }
};

/**
 * Uploads a blob in chunks ("Pushing a blob in chunks"). If the registry loses the upload, a new one begins, as often as the policy allows.
 * @returns false if the registry takes no chunks of this size, in bytes, or mixes them up
 * @throws ERR_REGISTRY_DENIED, ERR_REGISTRY_AUTH, ERR_REGISTRY_UNAVAILABLE, ERR_DIGEST_MISMATCH and what `open` throws
 */
export const uploadInChunks = async (
  transport: Transport,
  blob: BlobDescriptor,
  open: () => AsyncIterable<Uint8Array>,
  { mount, chunkBytes }: { readonly mount: Mount | undefined; readonly chunkBytes: number },
): Promise<boolean> => {
  const cursor = createCursor(blob, open);
  try {
    for (let uploads = 1; uploads <= transport.policy.attempts; uploads++) {
      const start: UploadStart = await beginUpload(transport.call, mount);
      if (start.kind === 'mounted') return true;
      const outcome = await sendChunks(
        { transport, blob, cursor, chunkBytes: Math.max(chunkBytes, start.smallestChunk), patience: createPatience(transport.policy) },
        start.location,
      );
      if (outcome !== 'lost') return outcome === 'done';
    }
    throw new RegistryUnavailable(`the registry lost the upload of ${blob.digest} ${transport.policy.attempts} times`);
  } finally {
    cursor.close();
  }
};
