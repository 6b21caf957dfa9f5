import { fail, PLATFORMS } from '@pinlane/contracts';
import { describe, isManifestType, OCI_INDEX, type Descriptor } from '../content/index.ts';
import { knownPlatform, platformEntry } from './platforms.ts';

const sorted = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));

/**
 * An index over platform manifests. The same children give the same bytes in whatever order they come: entries in the order of PLATFORMS, keys in
 * one order, no white space, only what the image specification asks for.
 * @throws ERR_MANIFEST_INVALID if a child has no platform that is built, shares one with another, or is not a manifest
 */
export const composeIndex = (
  children: readonly Descriptor[],
  annotations: Readonly<Record<string, string>> = {},
): { readonly bytes: Uint8Array; readonly descriptor: Descriptor } => {
  const entries = children.map((child) => {
    const platform = child.platform && knownPlatform(child.platform);
    if (platform === undefined || !isManifestType(child.mediaType))
      return fail('ERR_MANIFEST_INVALID', `${child.digest} (${child.mediaType}) is not a manifest for a platform that is built`);
    return { platform, child };
  });
  if (entries.length === 0) fail('ERR_MANIFEST_INVALID', 'an index needs at least one platform');
  const manifests = PLATFORMS.flatMap((platform) => {
    const own = entries.filter((entry) => entry.platform === platform).map(({ child }) => child);
    if (own.length > 1) fail('ERR_MANIFEST_INVALID', `two manifests are for ${platform}: ${own.map(({ digest }) => digest).join(', ')}`);
    return own.map(({ mediaType, digest, size }) => ({ mediaType, digest, size, platform: platformEntry(platform) }));
  });
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests, ...(Object.keys(annotations).length > 0 ? { annotations: sorted(annotations) } : {}) };
  const bytes = new TextEncoder().encode(JSON.stringify(index));
  return { bytes, descriptor: describe(OCI_INDEX, bytes) };
};
