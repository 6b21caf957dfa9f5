import type { BlobDescriptor } from '../content/index.ts';
import { putUpload } from './requests/put-upload.ts';
import { startUpload } from './requests/start-upload.ts';
import { withRetry } from './retry.ts';
import type { Transport } from './transport.ts';

/**
 * Uploads a blob, or has it mounted. An upload whose sending failed is begun anew: what the registry has of it is not known.
 * @throws ERR_REGISTRY_DENIED, ERR_REGISTRY_AUTH, ERR_REGISTRY_UNAVAILABLE, ERR_DIGEST_MISMATCH and what `open` throws
 */
export const uploadBlob = (transport: Transport, blob: BlobDescriptor, open: () => AsyncIterable<Uint8Array>, mountFrom?: string): Promise<void> =>
  withRetry(transport.policy, async () => {
    const start = await transport.attempt(startUpload(mountFrom === undefined ? undefined : { digest: blob.digest, from: mountFrom }));
    if (start.kind === 'upload') await transport.attempt(putUpload(start.location, blob, open));
  });
