import { runCredentialHelper } from '@pinlane/adapters';
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
import { FINGERPRINT_LABEL } from '@pinlane/pipeline';
import type { BuildBaseOptions } from '../types.ts';
import { baseImage } from './built.ts';

/** The fingerprint in the labels of an image, if all its platforms have the same. */
const fingerprintOf = ({ platforms }: ImageView): Digest | undefined => {
  const labels = new Set(platforms.map(({ config }) => config.config?.Labels?.[FINGERPRINT_LABEL]));
  const parsed = digestSchema.safeParse([...labels][0]);
  return labels.size === 1 && parsed.success ? parsed.data : undefined;
};

/**
 * Takes a base that exists already, by digest, from its registry into the store: all platforms, every byte checked. The result names the registry as the
 * image's home.
 * @param where the setting that names the image, for messages
 * @param expected the fingerprint that the image must have, if it must be the base of a lock
 * @throws ERR_REFERENCE_INVALID, ERR_PLATFORM_MISSING, ERR_BASE_UNAVAILABLE and what registry and store throw
 */
export const importBase = async (
  text: string,
  where: string,
  { name, store, openRegistry = (repository) => openRepository(repository, { signal, runCredentialHelper }), progress, signal }: BuildBaseOptions,
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
  // An image without a fingerprint is identified by its digest.
  const image = baseImage(name, fingerprint ?? reference.digest, Object.fromEntries(digests), reference.digest);
  return { ...image, repository: formatRepository(reference), pushed: !isStoreReference(reference) };
};
