import type { RegistryRequest } from '../transport.ts';

/** Puts a manifest or index under a tag or its digest ("Pushing manifests"). */
export const putManifest = (tagOrDigest: string, mediaType: string, bytes: Uint8Array): RegistryRequest<void> => ({
  method: 'PUT',
  target: `manifests/${tagOrDigest}`,
  access: 'push',
  headers: { 'content-type': mediaType },
  body: bytes,
  statuses: [200, 201, 202],
  missing: 'ERR_REGISTRY_PROTOCOL',
  read: (answer) => answer.discard(),
});
