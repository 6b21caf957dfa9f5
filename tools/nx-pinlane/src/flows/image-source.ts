import { isPinlaneError, isStoreReference, parseRepository, type BuiltImage, type Digest, type PinnedReference, type Repository } from '@pinlane/contracts';
import { openRepository, openStore, verifyImage, type ContentSink, type ContentSource, type Store } from '@pinlane/oci';

/** Where an image is kept: the store, or a registry's repository. */
export type ImagePlace = ContentSource & ContentSink;

/** Opens the place that a reference names. */
export const openImagePlace = (repository: Repository, store: Store, signal: AbortSignal): ImagePlace =>
  isStoreReference(repository) ? store : openRepository({ host: repository.host, path: repository.path }, { signal });

const GONE = ['ERR_MANIFEST_UNKNOWN', 'ERR_BLOB_UNKNOWN', 'ERR_STORE_CORRUPT'] as const;

/** The answer to "is it there": a place that could not be asked is an error and no answer. */
const answered = async (work: () => Promise<unknown>): Promise<boolean> => {
  try {
    await work();
    return true;
  } catch (thrown) {
    if (GONE.some((code) => isPinlaneError(thrown, code))) return false;
    throw thrown;
  }
};

/** Which of some pinned images are whole where their references say: manifests and configs read and hashed, layers there. */
export const presentImages = async (pins: readonly PinnedReference[], store: Store, signal: AbortSignal): Promise<ReadonlySet<Digest>> => {
  const found = await Promise.all(
    pins.map(async (pin) => ((await answered(() => verifyImage(openImagePlace(pin, store, signal), pin.digest))) ? [pin.digest] : [])),
  );
  return new Set(found.flat());
};

/** Whether a built image is where it was pushed to. @throws whatever keeps the registry from answering */
export const isPushed = (image: BuiltImage, signal?: AbortSignal): Promise<boolean> =>
  answered(() => openRepository(parseRepository(image.repository), signal ? { signal } : {}).readManifest(image.index));

/** The word of a store for itself, made where it has none yet. */
export const makeGeneration = (storeRoot: string): Promise<string> => openStore(storeRoot).generation();
