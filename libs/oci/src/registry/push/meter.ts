import type { Progress } from '@pinlane/contracts';
import type { BlobDescriptor } from '../../content/index.ts';

/** Tells how far uploads have come, all together. */
export interface Meter {
  /** A blob that is to be sent: gives its bytes as `open` does, and counts them as they go; where they begin anew, so does the count. */
  track(blob: BlobDescriptor, open: () => AsyncIterable<Uint8Array>): () => AsyncIterable<Uint8Array>;
}

const EVERY_MS = 1_000;

/** Bytes as megabytes, with one decimal. */
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** A meter that says something once a second at most, and nothing about what takes less. `now` in ms. */
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
