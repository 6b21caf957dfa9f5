import { INDEX_TYPES, MANIFEST_LIMIT, MANIFEST_TYPES, readAll } from '../../content/index.ts';
import type { RegistryRequest } from './transport.ts';

/** Gets the bytes of a manifest or index by tag or digest ("Pulling manifests"). They are not checked, and no header of the answer is used. */
export const getManifest = (tagOrDigest: string): RegistryRequest<Uint8Array> => ({
  method: 'GET',
  target: `manifests/${tagOrDigest}`,
  access: 'pull',
  headers: { accept: [...INDEX_TYPES, ...MANIFEST_TYPES].join(', ') },
  statuses: [200],
  missing: 'ERR_MANIFEST_UNKNOWN',
  read: (answer) => readAll(answer.body(), MANIFEST_LIMIT, `manifest ${tagOrDigest}`),
});

/**
 * Puts a manifest or index under a tag or its digest ("Pushing manifests").
 * @returns the OCI-Subject header: the subject whose referrers the registry lists by itself
 */
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
