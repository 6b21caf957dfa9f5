import { isPinlaneError } from '@pinlane/contracts';
import type { BlobDescriptor } from '../../content/index.ts';
import { RegistryUnavailable } from '../failure.ts';
import { checkBlob } from '../requests/check-blob.ts';
import { patchUpload } from '../requests/patch-upload.ts';
import { putUpload } from '../requests/put-upload.ts';
import { beginUpload, type Mount, type UploadStart } from '../requests/start-upload.ts';
import { uploadStatus } from '../requests/upload-status.ts';
import { pauseAfter } from '../retry.ts';
import type { Transport } from '../transport.ts';
import { createCursor, type Cursor } from './cursor.ts';

/** How an upload ended: `refused` where the registry takes no chunks of this size, or got them wrong; `lost` where it knows nothing of the upload any more. */
type Outcome = 'done' | 'refused' | 'lost';

type Started = UploadStart & { readonly kind: 'upload' };

const NOTHING = new Uint8Array(0);

/** Sends the chunks of one upload and ends it. Where one breaks off, the registry is asked how far it has come, and it goes on from there. */
const sendChunks = async (transport: Transport, blob: BlobDescriptor, cursor: Cursor, start: Started, chunkBytes: number): Promise<Outcome> => {
  const chunk = Math.max(chunkBytes, start.smallestChunk);
  let { location } = start;
  let offset = 0;
  // Only what goes beyond all that came before is progress: a registry that forgets chunks would be sent the same ones for ever.
  let farthest = 0;
  for (let failures = 0; ;) {
    let failure: unknown;
    try {
      if (offset >= blob.size) {
        await transport.attempt(putUpload(location, blob, NOTHING));
        return 'done';
      }
      const first = offset;
      const size = Math.min(chunk, blob.size - first);
      const outcome = await transport.attempt(patchUpload(location, first, { size, open: () => cursor.read(first, size) }));
      if (outcome.kind === 'refused') return 'refused';
      if (outcome.kind === 'accepted') {
        location = outcome.location;
        offset += size;
        if (offset > farthest) failures = 0;
        farthest = Math.max(farthest, offset);
        continue;
      }
      failure = new RegistryUnavailable(`the registry has another number of bytes of ${blob.digest} than the ${offset} that were sent`);
    } catch (error) {
      failure = error;
    }
    // Our bytes were right, or reading them would have failed: the registry has some twice or not at all.
    if (offset >= blob.size && isPinlaneError(failure, 'ERR_DIGEST_MISMATCH')) return 'refused';
    const pause = pauseAfter(failure, ++failures, transport.policy);
    if (pause === undefined) throw failure;
    await transport.policy.sleep(pause);
    const status = await transport.call(uploadStatus(location));
    // The end of the upload may have come to pass, and only its answer been lost.
    if (status === undefined) return offset >= blob.size && (await transport.call(checkBlob(blob))) ? 'done' : 'lost';
    ({ location, offset } = status);
  }
};

/**
 * Uploads a blob in chunks ("Pushing a blob in chunks"). An upload that the registry has lost is begun anew, as often as the policy says.
 * @returns false where the registry takes no chunks of this size, in bytes, or gets them wrong
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
      const start = await beginUpload(transport.call, mount);
      if (start.kind === 'mounted') return true;
      const outcome = await sendChunks(transport, blob, cursor, start, chunkBytes);
      if (outcome !== 'lost') return outcome === 'done';
    }
    throw new RegistryUnavailable(`the registry lost the upload of ${blob.digest} ${transport.policy.attempts} times`);
  } finally {
    cursor.close();
  }
};
