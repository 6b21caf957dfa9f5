import type { RegistryRequest } from '../transport.ts';

/** Puts a manifest or index under a tag or its digest ("Pushing manifests"). @returns the OCI-Subject header: the subject whose referrers the registry keeps */
export const putManifest = (tagOrDigest: string, mediaType: string, bytes: Uint8Array): RegistryRequest<string | null> => ({
  method: 'PUT',
  target: `manifests/${tagOrDigest}`,
  access: 'push',
  headers: { 'content-type': mediaType },
  body: bytes,
  statuses: [200, 201, 202],
  missing: 'ERR_REGISTRY_PROTOCOL',
  read: async (answer) => {
    await answer.discard();
    return answer.header('oci-subject');
  },
});
