import { isPinlaneError, isStoreReference, parseRepository, type BuiltImage, type Digest, type Repository } from '@pinlane/contracts';
import { openStore, verifyImage, type ContentSink, type ContentSource, type Store } from '@pinlane/oci';
import { openRegistry, type RegistryAccess } from './registries.ts';

/** Where an image is kept: the store, or a registry's repository. */
export type ImagePlace = ContentSource & ContentSink;

/** Opens the place that a reference names. */
export const openImagePlace = (repository: Repository, store: Store, access: RegistryAccess): ImagePlace =>
  isStoreReference(repository) ? store : openRegistry(repository, access);

const GONE = ['ERR_MANIFEST_UNKNOWN', 'ERR_BLOB_UNKNOWN', 'ERR_STORE_CORRUPT'] as const;

/** Whether an image is all there: manifests and configs read and hashed, layers there. @throws whatever keeps the place from answering */
export const isWhole = async (place: ImagePlace, digest: Digest): Promise<boolean> => {
  try {
    await verifyImage(place, digest);
    return true;
  } catch (thrown) {
    // A place that could not be asked is an error and no answer.
    if (GONE.some((code) => isPinlaneError(thrown, code))) return false;
    throw thrown;
  }
};

/** Whether a built image is where it was pushed to. @throws whatever keeps the registry from answering */
export const isPushed = (image: BuiltImage, access: RegistryAccess): Promise<boolean> =>
  isWhole(openRegistry(parseRepository(image.repository), access), image.index);

/** The word of a store for itself, made where it has none yet. */
export const makeGeneration = (storeRoot: string): Promise<string> => openStore(storeRoot).generation();
