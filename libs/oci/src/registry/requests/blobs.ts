import { fail } from '@pinlane/contracts';
import type { BlobDescriptor } from '../../content/index.ts';
import type { Answer } from '../http/message.ts';
import type { RegistryRequest } from './transport.ts';

/**
 * Asks whether the registry has a blob ("Checking if content exists in the registry"). A blob of another size counts as missing, because its bytes would be
 * refused when they are pulled. If the registry gives no size, its status alone counts.
 */
export const checkBlob = ({ digest, size }: BlobDescriptor): RegistryRequest<boolean> => ({
  method: 'HEAD',
  target: `blobs/${digest}`,
  access: 'pull',
  statuses: [200, 404],
  read: async (answer) => {
    await answer.discard();
    const length = answer.header('content-length');
    return answer.status === 200 && (length === null || Number(length) === size);
  },
});

/** Asks the same by GET, whose refusal gives a reason. Nothing of the blob is read. */
export const checkBlobByGet = (blob: BlobDescriptor): RegistryRequest<boolean> => ({ ...checkBlob(blob), method: 'GET' });

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
  // There are no bytes behind the offset. The blob is too short, which its reader finds out and reports.
  return answer.status === 416 ? nothing() : fail('ERR_REGISTRY_PROTOCOL', `${answer.url.origin} answered with another part of a blob than was asked for`);
};

/** Gets a blob's bytes from an offset on, unchecked ("Pulling blobs"). If the registry ignores the range, the bytes before the offset are dropped here. */
export const getBlob = ({ digest }: BlobDescriptor, offset = 0): RegistryRequest<AsyncIterable<Uint8Array>> => ({
  method: 'GET',
  target: `blobs/${digest}`,
  access: 'pull',
  ...(offset > 0 ? { headers: { range: `bytes=${offset}-` } } : {}),
  statuses: offset > 0 ? [200, 206, 416] : [200],
  missing: 'ERR_BLOB_UNKNOWN',
  read: (answer) => chunksFrom(offset, answer),
});
