import type { Digest } from '@pinlane/contracts';
import { copyImage, describe, type ContentSource, type Descriptor, type Store } from '@pinlane/oci';

/** The platforms' new manifests, by the digests of those that they stand in for. */
type Reissued = ReadonlyMap<Digest, Descriptor>;

type Entry = Descriptor & { readonly annotations?: Readonly<Record<string, string>> };

/** By this an attestation says what it is about (BuildKit, docs/attestations/attestation-storage.md); it has no other subject where an image has no name. */
const REFERENCE = 'vnd.docker.reference.digest';

const reissued = (entry: Entry, platforms: Reissued): Entry => {
  const platform = platforms.get(entry.digest);
  if (platform) return { ...entry, digest: platform.digest, size: platform.size };
  const about = platforms.get(entry.annotations?.[REFERENCE] as Digest);
  return about ? { ...entry, annotations: { ...entry.annotations, [REFERENCE]: about.digest } } : entry;
};

/**
 * Writes a builder's index into the store with other manifests for its platforms. What attests to them is about the new ones; everything else that the
 * index lists and says stays.
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
