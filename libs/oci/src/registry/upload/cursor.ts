import { fail } from '@pinlane/contracts';
import type { BlobDescriptor } from '../../content/index.ts';

/** Reads a blob in parts. A part behind the last one goes on reading the same stream; any other part needs the stream from the start again. */
export interface Cursor {
  read(offset: number, length: number): AsyncIterable<Uint8Array>;
  close(): void;
}

interface Reading {
  readonly chunks: AsyncIterator<Uint8Array>;
  /** Bytes that were read and not yet given out. */
  rest: Uint8Array;
  /** Where `rest` begins in the blob. */
  position: number;
  /** Whether the last part was read to its end. If not, its reader may still be waiting for a chunk, and the stream can't be used further. */
  settled: boolean;
}

const NOTHING = new Uint8Array(0);

/**
 * A cursor over a blob that `open` gives from the start.
 * @throws what `open` throws; ERR_DIGEST_MISMATCH if the blob is shorter or longer than its descriptor says
 */
export const createCursor = ({ digest, size }: BlobDescriptor, open: () => AsyncIterable<Uint8Array>): Cursor => {
  let current: Reading | undefined;

  const close = (): void => {
    current?.chunks.return?.().catch(() => undefined);
    current = undefined;
  };

  /** The stream that is being read if it has not passed the offset, else a new one. */
  const from = (offset: number): Reading => {
    if (current?.settled && current.position <= offset) return current;
    close();
    return (current = { chunks: open()[Symbol.asyncIterator](), rest: NOTHING, position: 0, settled: true });
  };

  /** Makes sure that `rest` is not empty; false at the end of the stream. */
  const refill = async (reading: Reading): Promise<boolean> => {
    while (reading.rest.length === 0) {
      const { done, value } = await reading.chunks.next();
      if (done) return false;
      reading.rest = value;
    }
    return true;
  };

  const take = async (reading: Reading, atMost: number): Promise<Uint8Array> => {
    if (!(await refill(reading))) return fail('ERR_DIGEST_MISMATCH', `${digest} ended after ${reading.position} of ${size} bytes`);
    const piece = reading.rest.subarray(0, atMost);
    reading.rest = reading.rest.subarray(piece.length);
    reading.position += piece.length;
    return piece;
  };

  return {
    close,
    async *read(offset, length) {
      const reading = from(offset);
      reading.settled = false;
      while (reading.position < offset) await take(reading, offset - reading.position);
      const end = offset + length;
      while (reading.position < end) yield await take(reading, end - reading.position);
      // A source that checks its bytes does so at its end, so that is read too.
      if (end >= size && (await refill(reading))) fail('ERR_DIGEST_MISMATCH', `${digest} is longer than ${size} bytes`);
      reading.settled = true;
    },
  };
};
