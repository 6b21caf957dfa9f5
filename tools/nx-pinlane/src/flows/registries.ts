import type { Repository } from '@pinlane/contracts';
import { openRepository, type RegistryRepository } from '@pinlane/oci';

/** How registries are reached in a run. */
export interface RegistryAccess {
  /** Hosts on other machines that are spoken to by plain HTTP. */
  readonly insecureRegistries: ReadonlySet<string>;
  readonly signal?: AbortSignal | undefined;
  /** Whether they are to be written to. */
  readonly writes?: boolean;
  /** A repository whose blobs need not be sent again where it is of the same registry. */
  readonly mountFrom?: Repository | undefined;
}

/** Opens a repository of a registry; nothing is sent before the first request. @throws ERR_REFERENCE_INVALID for the local store's name */
export const openRegistry = ({ host, path }: Repository, { insecureRegistries, writes = false, signal, mountFrom }: RegistryAccess): RegistryRepository =>
  openRepository(
    { host, path },
    { insecure: insecureRegistries.has(host), writes, ...(signal === undefined ? {} : { signal }), ...(mountFrom === undefined ? {} : { mountFrom }) },
  );
