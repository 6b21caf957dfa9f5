import { fail } from '@pinlane/contracts';
import type { BlobDescriptor } from '../../content/index.ts';

/** Reads a blob's bytes in parts. Parts that follow on one another are read in one go, and any other from the start. */
export interface Cursor {
  read(offset: number, length: number): AsyncIterable<Uint8Array>;
  close(): void;
}

interface Reading {
  readonly chunks: AsyncIterator<Uint8Array>;
  /** What was read and not yet given out. */
  rest: Uint8Array;
  /** Of `rest`. */
  position: number;
  /** Whether the last part was read to its end. One that was not may still be waiting for its next chunk. */
  settled: boolean;
}

const NOTHING = new Uint8Array(0);

/** A cursor over what `open` gives, each time from the start. @throws what `open` throws; ERR_DIGEST_MISMATCH where there is too little */
export const createCursor = ({ digest, size }: BlobDescriptor, open: () => AsyncIterable<Uint8Array>): Cursor => {
  let current: Reading | undefined;

  const close = (): void => {
    current?.chunks.return?.().catch(() => undefined);
    current = undefined;
  };

  const from = (offset: number): Reading => {
    if (current?.settled && current.position <= offset) return current;
    close();
    return (current = { chunks: open()[Symbol.asyncIterator](), rest: NOTHING, position: 0, settled: true });
  };

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
      // A source that checks itself does so at its end, which must be reached.
      if (end >= size && (await refill(reading))) fail('ERR_DIGEST_MISMATCH', `${digest} is longer than ${size} bytes`);
      reading.settled = true;
    },
  };
};
