import type { Progress } from '@pinlane/contracts';
import type { BlobDescriptor } from '../../content/index.ts';

/** Reports how many bytes of all uploads together are sent. */
export interface Meter {
  /** Wraps the `open` of a blob that is to be sent, and counts its bytes as they are read. If the blob is opened again, its count begins anew. */
  track(blob: BlobDescriptor, open: () => AsyncIterable<Uint8Array>): () => AsyncIterable<Uint8Array>;
}

const EVERY_MS = 1_000;

/** Bytes as megabytes, with one decimal. */
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** A meter that reports once a second at most, and nothing if all is sent within a second. `now` in ms. */
export const createMeter = (progress: Progress, now: () => number = () => performance.now()): Meter => {
  const sent = new Map<string, number>();
  let total = 0;
  let last: number | undefined;

  const report = (): void => {
    const time = now();
    last ??= time;
    if (time - last < EVERY_MS) return;
    last = time;
    const done = [...sent.values()].reduce((sum, bytes) => sum + bytes, 0);
    progress(`uploaded ${megabytes(done)} of ${megabytes(total)} MB`);
  };

  return {
    track({ digest, size }, open) {
      if (!sent.has(digest)) total += size;
      sent.set(digest, 0);
      return async function* () {
        let done = 0;
        for await (const chunk of open()) {
          yield chunk;
          done += chunk.length;
          sent.set(digest, done);
          report();
        }
      };
    },
  };
};
