import type { BlobDescriptor } from '../../content/index.ts';
import { getBlob } from '../requests/blobs.ts';
import { createPatience } from '../http/retry.ts';
import { RegistryUnavailable } from '../http/failure.ts';
import type { Transport } from '../requests/transport.ts';

/** Reads a blob, unchecked. If the connection breaks, reading goes on behind the bytes that came. @throws ERR_BLOB_UNKNOWN, ERR_REGISTRY_UNAVAILABLE */
export async function* readResuming(transport: Transport, blob: BlobDescriptor): AsyncGenerator<Uint8Array, void, void> {
  const patience = createPatience(transport.policy);
  let offset = 0;
  for (let attempt = 1; ; attempt++) {
    const before = offset;
    let failure: unknown;
    try {
      for await (const chunk of await transport.attempt(getBlob(blob, offset), patience)) {
        offset += chunk.length;
        yield chunk;
      }
      if (offset >= blob.size || (attempt > 1 && offset === before)) return;
      failure = new RegistryUnavailable(`blob ${blob.digest} broke off after ${offset} of ${blob.size} bytes`);
    } catch (error) {
      // All bytes have come, whatever length the registry announced.
      if (offset >= blob.size && offset > before) return;
      failure = error;
    }
    await patience.afterFailure(failure);
  }
}
