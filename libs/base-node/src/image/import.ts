import {
  ARCHITECTURES,
  digestSchema,
  fail,
  formatRepository,
  isStoreReference,
  parsePinnedReference,
  platformOf,
  PLATFORMS,
  type BuiltImage,
  type Digest,
} from '@pinlane/contracts';
import { copyImage, openRepository, readImage, type ContentSource, type ImageView } from '@pinlane/oci';
import { ASSEMBLY_FORMAT } from '../lock/lock.ts';
import type { BuildBaseOptions } from '../types.ts';
import { FINGERPRINT_LABEL } from './config.ts';

/** What an image says that it was built from, if all its platforms say the same. */
const fingerprintOf = ({ platforms }: ImageView): Digest | undefined => {
  const labels = new Set(platforms.map(({ config }) => config.config?.Labels?.[FINGERPRINT_LABEL]));
  const parsed = digestSchema.safeParse([...labels][0]);
  return labels.size === 1 && parsed.success ? parsed.data : undefined;
};

/**
 * Takes a base that exists already, by digest, from its registry into the store, both platforms, every byte checked. The result names the
 * registry, because that is where the image lives.
 * @param where what names the image, for messages
 * @param expected the fingerprint that the image must have, if it must be the base of a lock
 * @throws ERR_REFERENCE_INVALID, ERR_PLATFORM_MISSING, ERR_BASE_UNAVAILABLE and what registry and store throw
 */
export const importBase = async (
  text: string,
  where: string,
  name: string,
  { store, openRegistry = (repository) => openRepository(repository, { signal }), progress, signal }: BuildBaseOptions,
  expected?: Digest,
): Promise<BuiltImage> => {
  const reference = parsePinnedReference(text);
  const isHere = isStoreReference(reference) || (await store.missing(reference.digest)).length === 0;
  const source: ContentSource = isHere ? store : openRegistry(reference);
  const view = await readImage(source, reference.digest, { platforms: PLATFORMS });
  if (view.kind !== 'index')
    return fail('ERR_PLATFORM_MISSING', `${where} names the manifest of one platform, where an index over ${PLATFORMS.join(' and ')} is needed`);
  const fingerprint = fingerprintOf(view);
  if (expected !== undefined && fingerprint !== expected)
    return fail('ERR_BASE_UNAVAILABLE', `${where} names a base with fingerprint ${fingerprint ?? 'none'}, where the lock gives ${expected}`, {
      fix: 'push the base of this lock and name its digest',
    });
  if (!isHere) {
    progress(`taking ${name} from ${formatRepository(reference)}`);
    await copyImage(source, store, reference.digest, { progress, signal });
  }
  await store.name(name, view.descriptor);
  const digests = ARCHITECTURES.map((architecture) => {
    const image = view.platforms.find(({ platform }) => platform === platformOf(architecture));
    return [architecture, image!.descriptor.digest] as const;
  });
  return {
    kind: 'BuiltImage',
    schemaVersion: 1,
    name,
    repository: formatRepository(reference),
    platforms: Object.fromEntries(digests),
    index: reference.digest,
    // An image that says nothing of what it was built from is identified by itself.
    fingerprint: fingerprint ?? reference.digest,
    revision: null,
    engine: { name: 'embedded', version: `base-${ASSEMBLY_FORMAT}` },
    bases: {},
    pushed: !isStoreReference(reference),
  };
};
