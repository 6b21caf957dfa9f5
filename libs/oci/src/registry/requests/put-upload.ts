import type { BlobDescriptor } from '../../content/index.ts';
import type { RegistryRequest } from '../transport.ts';

/** Sends a blob whole and ends its upload ("POST then PUT"); the address is used as it was given, with the digest added. */
export const putUpload = (location: URL, { digest, size }: BlobDescriptor, open: () => AsyncIterable<Uint8Array>): RegistryRequest<void> => {
  const target = new URL(location);
  // Not through searchParams, which would write the registry's own parameters anew.
  target.search += `${target.search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`;
  return {
    method: 'PUT',
    target,
    access: 'push',
    headers: { 'content-type': 'application/octet-stream' },
    body: { size, open },
    statuses: [201, 204],
    // The upload is gone: begin another.
    missing: 'ERR_REGISTRY_UNAVAILABLE',
    read: (answer) => answer.discard(),
  };
};
