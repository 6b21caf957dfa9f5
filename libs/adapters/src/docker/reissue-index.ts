import type { Digest } from '@pinlane/contracts';
import { copyImage, describe, type ContentSource, type Descriptor, type Store } from '@pinlane/oci';

/** The new manifest of each platform, by the digest of the one that it replaces. */
type Reissued = ReadonlyMap<Digest, Descriptor>;

type Entry = Descriptor & { readonly annotations?: Readonly<Record<string, string>> };

/** The annotation by which an attestation names its manifest (BuildKit, docs/attestations/attestation-storage.md). */
const REFERENCE = 'vnd.docker.reference.digest';

const reissued = (entry: Entry, platforms: Reissued): Entry => {
  const platform = platforms.get(entry.digest);
  if (platform) return { ...entry, digest: platform.digest, size: platform.size };
  const about = platforms.get(entry.annotations?.[REFERENCE] as Digest);
  return about ? { ...entry, annotations: { ...entry.annotations, [REFERENCE]: about.digest } } : entry;
};

/**
 * Writes a builder's index into the store with other manifests for its platforms. Attestations are made to name the new manifests; everything else in the
 * index stays as it is.
 * @throws what the source throws
 */
export const reissueIndex = async (source: ContentSource, digest: Digest, store: Store, platforms: Reissued): Promise<Descriptor> => {
  const { bytes, descriptor } = await source.readManifest(digest);
  const index = JSON.parse(Buffer.from(bytes).toString('utf8')) as { readonly manifests: readonly Entry[] };
  for (const entry of index.manifests) if (!platforms.has(entry.digest)) await copyImage(source, store, entry.digest);
  const changed = new TextEncoder().encode(JSON.stringify({ ...index, manifests: index.manifests.map((entry) => reissued(entry, platforms)) }));
  const written = describe(descriptor.mediaType, changed);
  await store.putManifest(written, changed);
  return written;
};
