import { isPinlaneError, type Digest } from '@pinlane/contracts';
import { locationOf } from '../redirect.ts';
import type { RegistryRequest, Transport } from '../transport.ts';

/** How an upload began: with an address to put the bytes to, or not at all because the registry mounted the blob from another repository. */
export type UploadStart =
  | {
      readonly kind: 'upload';
      readonly location: URL;
      /** The smallest chunk that the registry takes, but for the last one, in bytes (OCI-Chunk-Min-Length). */
      readonly smallestChunk: number;
    }
  | { readonly kind: 'mounted' };

/** A blob that may be mounted instead: from a repository of the same registry. */
export interface Mount {
  readonly digest: Digest;
  /** The other repository's path. */
  readonly from: string;
}

const lengthIn = (header: string | null): number => (/^\d{1,15}$/.test(header ?? '') ? Number(header) : 0);

/** Begins an upload ("POST then PUT"), or asks for a mount first ("Mounting a blob from another repository"), which the registry may decline. */
export const startUpload = (mount?: Mount): RegistryRequest<UploadStart> => ({
  method: 'POST',
  target: `blobs/uploads/${mount ? `?${new URLSearchParams({ mount: mount.digest, from: mount.from })}` : ''}`,
  access: 'push',
  statuses: mount ? [201, 202] : [202],
  // Some registries want a repository to be made by hand, and have none of this name.
  missing: 'ERR_REGISTRY_DENIED',
  read: async (answer) => {
    await answer.discard();
    if (answer.status === 201) return { kind: 'mounted' };
    return { kind: 'upload', location: locationOf(answer.header('location'), answer.url), smallestChunk: lengthIn(answer.header('oci-chunk-min-length')) };
  },
});

/** How a registry refuses a mount that it could have declined: who may write here need not be allowed to read there. */
const REFUSED = ['ERR_REGISTRY_DENIED', 'ERR_REGISTRY_AUTH', 'ERR_REGISTRY_PROTOCOL', 'ERR_BLOB_UNKNOWN', 'ERR_MANIFEST_UNKNOWN'] as const;

/** Begins an upload; a mount is a mere convenience, so where it is refused the bytes are sent. `send` is how requests are made. */
export const beginUpload = async (send: Transport['call'], mount: Mount | undefined): Promise<UploadStart> => {
  try {
    return await send(startUpload(mount));
  } catch (error) {
    if (mount === undefined || !REFUSED.some((code) => isPinlaneError(error, code))) throw error;
    return send(startUpload());
  }
};
