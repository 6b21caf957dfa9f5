import { fail } from '@pinlane/contracts';
import type { BlobDescriptor } from '../../content/index.ts';
import type { Answer } from '../send.ts';
import type { RegistryRequest } from '../transport.ts';

async function* without(bytes: number, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let left = bytes;
  for await (const chunk of chunks) {
    const rest = chunk.subarray(Math.min(left, chunk.length));
    left -= chunk.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, void> {}

const chunksFrom = async (offset: number, answer: Answer): Promise<AsyncIterable<Uint8Array>> => {
  if (answer.status === 200) return offset === 0 ? answer.body() : without(offset, answer.body());
  if (answer.status === 206 && answer.header('content-range')?.startsWith(`bytes ${offset}-`)) return answer.body();
  await answer.discard();
  // Nothing lies behind the offset: the blob is shorter than it should be, and its reader will say so.
  return answer.status === 416 ? nothing() : fail('ERR_REGISTRY_PROTOCOL', `${answer.url.origin} answered with another part of a blob than was asked for`);
};

/** A blob's bytes from an offset on, unchecked ("Pulling blobs"). A registry that ignores the range is read from the start. */
export const getBlob = ({ digest }: BlobDescriptor, offset = 0): RegistryRequest<AsyncIterable<Uint8Array>> => ({
  method: 'GET',
  target: `blobs/${digest}`,
  access: 'pull',
  ...(offset > 0 ? { headers: { range: `bytes=${offset}-` } } : {}),
  statuses: offset > 0 ? [200, 206, 416] : [200],
  missing: 'ERR_BLOB_UNKNOWN',
  read: (answer) => chunksFrom(offset, answer),
});
