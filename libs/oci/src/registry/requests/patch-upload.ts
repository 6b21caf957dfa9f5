import { locationOf } from '../redirect.ts';
import type { StreamedBody } from '../exchange.ts';
import type { RegistryRequest } from '../transport.ts';

/** What came of a chunk. */
export type ChunkOutcome =
  | { readonly kind: 'accepted'; readonly location: URL }
  /** The registry takes none of this size, or none at all. */
  | { readonly kind: 'refused' }
  /** The registry has another number of bytes than the chunk begins at. */
  | { readonly kind: 'out-of-step' };

/**
 * Sends one chunk, which begins at `offset` ("Pushing a blob in chunks"). The Range of the answer is not looked at: Amazon's registry leaves it
 * where it was after the first chunk, and has all of them. GitHub's says by 416 that a chunk is larger than the 4 MiB that it takes. What stands before
 * a registry may let no PATCH through.
 */
export const patchUpload = (location: URL, offset: number, body: StreamedBody): RegistryRequest<ChunkOutcome> => ({
  method: 'PATCH',
  target: location,
  access: 'push',
  headers: { 'content-type': 'application/octet-stream', 'content-range': `${offset}-${offset + body.size - 1}` },
  body,
  statuses: [201, 202, 204, 405, 413, 416, 501],
  // The upload is gone: begin another.
  missing: 'ERR_REGISTRY_UNAVAILABLE',
  read: async (answer) => {
    await answer.discard();
    if ([405, 413, 501].includes(answer.status) || (answer.status === 416 && offset === 0)) return { kind: 'refused' };
    if (answer.status === 416) return { kind: 'out-of-step' };
    const location = answer.header('location');
    return { kind: 'accepted', location: location === null ? answer.url : locationOf(location, answer.url) };
  },
});
