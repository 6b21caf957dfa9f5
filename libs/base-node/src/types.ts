import type { Architecture, BuiltImage, Progress, Repository } from '@pinlane/contracts';
import type { ContentSource, Store } from '@pinlane/oci';

/** What every action on the base needs to know. */
export interface BaseOptions {
  /** The workspace's root; downloads and records are kept under `.pinlane/cache/base` there. */
  readonly root: string;
  /** The name of the base in the store, and of its project. */
  readonly name: string;
  /** The folder that holds base.yaml and base.lock.json. */
  readonly baseDir: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** The environment; PINLANE_BASE_IMAGE is looked up in it, and apt and npm inherit it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Further settings of apt, `Name=value`: for a machine whose sources are elsewhere than apt expects them. */
  readonly aptSettings?: readonly string[];
}

/** See {@link BuildBase}. */
export interface BuildBaseOptions extends BaseOptions {
  /** Where blobs, manifests and the base's name are written. */
  readonly store: Store;
  /** The folder for downloads and records in place of the one below the root, for a lane that shares neither. */
  readonly folder?: string;
  /** Whether the base is assembled again even if the store has it; the digest is the same. */
  readonly noCache?: boolean;
  /** Opens the registry's repository that a published base is taken from; with Docker's credentials if absent. */
  readonly openRegistry?: (repository: Repository) => ContentSource;
}

/**
 * Assembles the base for every platform of the lock and names it in the store. It is always built whole, whatever platforms the
 * caller needs, because the digest of its index is part of the fingerprint of all that is built on it.
 * @throws ERR_BASE_LOCK_INVALID, ERR_BASE_LOCK_STALE, ERR_BASE_UNAVAILABLE, ERR_DIGEST_MISMATCH
 */
export type BuildBase = (options: BuildBaseOptions) => Promise<BuiltImage>;

/** One package that an update changed; `from` is null if it is new, `to` if it is gone. */
export interface BaseChange {
  readonly architecture: Architecture;
  readonly name: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** What an update did. */
export interface BaseUpdate {
  /** The absolute path of the lock. */
  readonly lockFile: string;
  /** Whether the lock was written; false if it was up to date. */
  readonly written: boolean;
  readonly changes: readonly BaseChange[];
  /** One line for each change, old -> new, architectures with the same change on one line. */
  readonly summary: readonly string[];
}

/** See {@link UpdateBase}. */
export interface UpdateBaseOptions extends BaseOptions {
  /** Where what the new lock gives is assembled, so that the lock can record its digest; absent if it shall not. */
  readonly store?: Store;
}

/** Resolves the packages and the Node version of base.yaml anew, assembles them, and writes the lock with the digest that came out. @throws ERR_BASE_UNAVAILABLE, ERR_BASE_LOCK_INVALID */
export type UpdateBase = (options: UpdateBaseOptions) => Promise<BaseUpdate>;
