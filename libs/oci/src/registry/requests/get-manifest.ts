import { INDEX_TYPES, MANIFEST_LIMIT, MANIFEST_TYPES, readAll } from '../../content/index.ts';
import type { RegistryRequest } from '../transport.ts';

/** A manifest's or index's bytes by tag or digest, unchecked ("Pulling manifests"). No header of the answer is looked at. */
export const getManifest = (tagOrDigest: string): RegistryRequest<Uint8Array> => ({
  method: 'GET',
  target: `manifests/${tagOrDigest}`,
  access: 'pull',
  headers: { accept: [...INDEX_TYPES, ...MANIFEST_TYPES].join(', ') },
  statuses: [200],
  missing: 'ERR_MANIFEST_UNKNOWN',
  read: (answer) => readAll(answer.body(), MANIFEST_LIMIT, `manifest ${tagOrDigest}`),
});
