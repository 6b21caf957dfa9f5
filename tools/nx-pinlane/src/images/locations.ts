import { runCredentialHelper } from '@pinlane/adapters';
import { isPinlaneError, isStoreReference, pinVerdict, type Digest, type Progress, type Repository } from '@pinlane/contracts';
import { openRepository, openStore, verifyImage, type Reach, type RegistryRepository, type RepositoryOptions, type Store } from '@pinlane/oci';
import type { WorkspacePaths } from '../workspace/paths.ts';

/** How registries are reached in a run. */
export interface RegistryAccess {
  /** Hosts on other machines that are spoken to by plain HTTP. */
  readonly insecureRegistries: ReadonlySet<string>;
  /** Breaks off what is read and written, in the store, too. */
  readonly signal?: AbortSignal | undefined;
  /** Whether they are to be written to. */
  readonly writes?: boolean;
  /** Repositories of the same registry whose blobs need not be sent again. */
  readonly mountFrom?: readonly Repository[] | undefined;
  /** How long registries are waited for; as the client has it if absent. */
  readonly patience?: Pick<RepositoryOptions, 'idleMs' | 'retry'> | undefined;
  /** Is told of layers that are fetched because something reads them. */
  readonly progress?: Progress | undefined;
}

/** Where the images of a run are: the store of its lane, and registries. */
export interface ImageLocations {
  readonly paths: WorkspacePaths;
  readonly store: Store;
  readonly access: RegistryAccess;
  /** Where bases are assembled, if that must leave nothing: `store` is only read then. */
  readonly scratch?: Scratch;
}

/** Places for one piece of work, which go with it. */
export interface Scratch {
  readonly paths: WorkspacePaths;
  readonly store: Store;
  /** Whether a base that has a lock is assembled anew, wherever there is one. */
  readonly anew: boolean;
}

/** How a store reaches the layers that it left in registries. */
export const reachBy = ({ progress, ...access }: RegistryAccess): Reach => ({
  open: (repository) => openRegistry(repository, access),
  ...(progress === undefined ? {} : { progress }),
});

/** See {@link ImageLocations}. */
export const openLocations = (paths: WorkspacePaths, access: RegistryAccess): ImageLocations => ({
  paths,
  store: openStore(paths.store, { signal: access.signal, reach: reachBy(access) }),
  access,
});

/** Opens a repository of a registry; nothing is sent before the first request. @throws ERR_REFERENCE_INVALID for the local store's name */
export const openRegistry = (
  { host, path }: Repository,
  { insecureRegistries, writes = false, signal, mountFrom, patience }: RegistryAccess,
): RegistryRepository =>
  openRepository(
    { host, path },
    {
      insecure: insecureRegistries.has(host),
      writes,
      runCredentialHelper,
      ...patience,
      ...(signal === undefined ? {} : { signal }),
      ...(mountFrom === undefined ? {} : { mountFrom }),
    },
  );

/** Where one image is kept: the store, or a registry's repository. */
export type ImageLocation = Store | RegistryRepository;

/** Opens the location that a reference names. */
export const openLocation = (repository: Repository, { store, access }: Pick<ImageLocations, 'store' | 'access'>): ImageLocation =>
  isStoreReference(repository) ? store : openRegistry(repository, access);

/** Whether an image is whole: manifests and configs read and hashed, layers there. @throws whatever keeps the location from answering */
export const isWhole = async (location: ImageLocation, digest: Digest): Promise<boolean> => {
  try {
    await verifyImage(location, digest);
    return true;
  } catch (thrown) {
    // A location that could not be asked is an error and no answer.
    if (isPinlaneError(thrown) && pinVerdict(thrown.code) === 'gone') return false;
    throw thrown;
  }
};
