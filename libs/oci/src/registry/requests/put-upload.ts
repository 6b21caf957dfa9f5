import type { BlobDescriptor } from '../../content/index.ts';
import type { Message } from '../send.ts';
import type { RegistryRequest } from '../transport.ts';

/** Ends an upload, with the bytes that are still to be sent ("POST then PUT"); the address is used as it was given, with the digest added. */
export const putUpload = (location: URL, { digest }: BlobDescriptor, body: NonNullable<Message['body']>): RegistryRequest<void> => {
  const target = new URL(location);
  // Not through searchParams, which would write the registry's own parameters anew.
  target.search += `${target.search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`;
  return {
    method: 'PUT',
    target,
    access: 'push',
    headers: { 'content-type': 'application/octet-stream' },
    body,
    statuses: [201, 204],
    // The upload is gone: begin another.
    missing: 'ERR_REGISTRY_UNAVAILABLE',
    read: (answer) => answer.discard(),
  };
};
