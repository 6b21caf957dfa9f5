import { isPinlaneError, type Digest } from '@pinlane/contracts';
import type { BlobDescriptor } from '../../content/index.ts';
import type { StreamedBody } from '../http/exchange.ts';
import type { Message } from '../http/message.ts';
import { locationOf } from '../http/redirect.ts';
import type { RegistryRequest, Transport } from './transport.ts';

/** How an upload began: with an address for the bytes, or not at all, because the registry mounted the blob from another repository. */
export type UploadStart =
  | {
      readonly kind: 'upload';
      readonly location: URL;
      /** The smallest chunk that the registry takes, except for the last one, in bytes (OCI-Chunk-Min-Length). */
      readonly smallestChunk: number;
    }
  | { readonly kind: 'mounted' };

/** A blob that may be mounted from another repository of the same registry. */
export interface Mount {
  readonly digest: Digest;
  /** The other repository's path. */
  readonly from: string;
}

const lengthIn = (header: string | null): number => (/^\d{1,15}$/.test(header ?? '') ? Number(header) : 0);

/** Begins an upload ("POST then PUT"), or asks for a mount first ("Mounting a blob from another repository"), which the registry may decline. */
const startUpload = (mount?: Mount): RegistryRequest<UploadStart> => ({
  method: 'POST',
  target: `blobs/uploads/${mount ? `?${new URLSearchParams({ mount: mount.digest, from: mount.from })}` : ''}`,
  access: 'push',
  statuses: mount ? [201, 202] : [202],
  // Some registries want repositories to be created first, and have none of this name.
  missing: 'ERR_REGISTRY_DENIED',
  read: async (answer) => {
    await answer.discard();
    if (answer.status === 201) return { kind: 'mounted' };
    return { kind: 'upload', location: locationOf(answer.header('location'), answer.url), smallestChunk: lengthIn(answer.header('oci-chunk-min-length')) };
  },
});

/** The errors of a refused mount. Some registries refuse it instead of declining, as when the user may write here and may not read there. */
const MOUNT_REFUSED = ['ERR_REGISTRY_DENIED', 'ERR_REGISTRY_AUTH', 'ERR_REGISTRY_PROTOCOL', 'ERR_BLOB_UNKNOWN', 'ERR_MANIFEST_UNKNOWN'] as const;

/** Begins an upload. If a mount is refused, an upload begins without one, because a mount only saves sending the bytes. `send` makes the requests. */
export const beginUpload = async (send: Transport['call'], mount: Mount | undefined): Promise<UploadStart> => {
  try {
    return await send(startUpload(mount));
  } catch (error) {
    if (mount === undefined || !MOUNT_REFUSED.some((code) => isPinlaneError(error, code))) throw error;
    return send(startUpload());
  }
};

/** What the registry did with a chunk. */
export type ChunkOutcome =
  | { readonly kind: 'accepted'; readonly location: URL }
  /** The registry takes no chunks of this size, or none at all. */
  | { readonly kind: 'refused' }
  /** The registry has more or fewer bytes than the chunk's offset. */
  | { readonly kind: 'out-of-step' };

/**
 * Sends one chunk, which begins at `offset` ("Pushing a blob in chunks"). The answer's Range is ignored: Amazon's registry leaves it as it was after the
 * first chunk, although it has all of them. GitHub's registry answers 416 to a chunk that is larger than 4 MiB. A proxy in front of a registry may refuse
 * PATCH altogether.
 */
export const patchUpload = (location: URL, offset: number, body: StreamedBody): RegistryRequest<ChunkOutcome> => ({
  method: 'PATCH',
  target: location,
  access: 'push',
  headers: { 'content-type': 'application/octet-stream', 'content-range': `${offset}-${offset + body.size - 1}` },
  body,
  statuses: [201, 202, 204, 405, 413, 416, 501],
  // The registry has lost the upload; a new one may work.
  missing: 'ERR_REGISTRY_UNAVAILABLE',
  read: async (answer) => {
    await answer.discard();
    if ([405, 413, 501].includes(answer.status) || (answer.status === 416 && offset === 0)) return { kind: 'refused' };
    if (answer.status === 416) return { kind: 'out-of-step' };
    const next = answer.header('location');
    return { kind: 'accepted', location: next === null ? answer.url : locationOf(next, answer.url) };
  },
});

/** Ends an upload with the bytes that are still to be sent ("POST then PUT"). The address is used as the registry gave it, with the digest added. */
export const putUpload = (location: URL, { digest }: BlobDescriptor, body: NonNullable<Message['body']>): RegistryRequest<void> => {
  const target = new URL(location);
  // searchParams would encode the registry's own parameters anew.
  target.search += `${target.search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`;
  return {
    method: 'PUT',
    target,
    access: 'push',
    headers: { 'content-type': 'application/octet-stream' },
    body,
    statuses: [201, 204],
    // The registry has lost the upload; a new one may work.
    missing: 'ERR_REGISTRY_UNAVAILABLE',
    read: (answer) => answer.discard(),
  };
};

/** How far an upload has come. */
export interface UploadStatus {
  readonly location: URL;
  /** How many bytes the registry has. */
  readonly offset: number;
}

/**
 * The number of bytes in a Range `0-<last byte>`. Docker's registry sends `0-0` if it has nothing. The rare registry that means one byte by it refuses the
 * next chunk, which is then found out of step.
 */
const offsetIn = (range: string | null): number | undefined => {
  const last = /^(?:bytes[= ])?0-(\d{1,15})$/.exec(range ?? '')?.[1];
  return last === undefined ? undefined : last === '0' ? 0 : Number(last) + 1;
};

/** Asks how far an upload has come ("Pushing a blob in chunks"); undefined if the registry does not know. */
export const uploadStatus = (location: URL): RegistryRequest<UploadStatus | undefined> => ({
  method: 'GET',
  target: location,
  access: 'push',
  statuses: [200, 202, 204, 400, 404, 405, 416, 501],
  read: async (answer) => {
    await answer.discard();
    const offset = offsetIn(answer.header('range'));
    if (answer.status >= 300 || offset === undefined) return undefined;
    const next = answer.header('location');
    return { offset, location: next === null ? location : locationOf(next, answer.url) };
  },
});

/** Gives an upload up. Not every registry can do that; each forgets an upload by itself that nobody goes on with. @returns whether it is gone */
export const cancelUpload = (location: URL): RegistryRequest<boolean> => ({
  method: 'DELETE',
  target: location,
  access: 'push',
  statuses: [200, 202, 204, 400, 404, 405, 501],
  read: async (answer) => {
    await answer.discard();
    return answer.status < 300 || answer.status === 404;
  },
});
