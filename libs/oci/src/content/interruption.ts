import { setImmediate as others } from 'node:timers/promises';
import { fail, PinlaneError } from '@pinlane/contracts';
import type { ContentSource } from './ports.ts';

/** @throws ERR_CANCELLED once the work is broken off */
export const stopIfAborted = (signal: AbortSignal | undefined): void => {
  if (signal?.aborted) fail('ERR_CANCELLED', 'the work was interrupted');
};

/** Waits for some work, but no longer than until it is broken off, whatever the work is held up by. @throws ERR_CANCELLED, or what the work throws */
export const unlessAborted = <T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> => {
  if (signal === undefined) return work();
  return new Promise((resolve, reject) => {
    stopIfAborted(signal);
    const abort = (): void => reject(new PinlaneError({ code: 'ERR_CANCELLED', message: 'the work was interrupted' }));
    signal.addEventListener('abort', abort, { once: true });
    void work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
};

/** Passes chunks on until the work is broken off, also while one is waited for. @throws ERR_CANCELLED */
export async function* whileWanted(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, void> {
  if (signal === undefined) return yield* chunks;
  const from = chunks[Symbol.asyncIterator]();
  let over = false;
  try {
    for (;;) {
      const next = await unlessAborted(signal, () => from.next());
      if (next.done === true) {
        over = true;
        return;
      }
      yield next.value;
    }
  } finally {
    const ended = over ? undefined : from.return?.();
    // A source that is held up would not end either.
    if (signal.aborted) void ended?.catch(() => undefined);
    else await ended;
  }
}

/** The same content, until the work is broken off. @throws ERR_CANCELLED */
export const interruptible = (source: ContentSource, signal: AbortSignal | undefined): ContentSource =>
  signal === undefined
    ? source
    : {
        readManifest: (digest) => unlessAborted(signal, () => source.readManifest(digest)),
        openBlob: (blob, use) => whileWanted(source.openBlob(blob, use), signal),
        bring: async (blobs) => unlessAborted(signal, async () => source.bring?.(blobs)),
      };

/** How many steps are taken before other work gets its turn. Each by itself is done sooner than it could be waited for. */
const BATCH = 128;

/** Gives what is awaited after each step of long work that waits for nothing: it lets other work have its turn, such as what breaks this off. @throws ERR_CANCELLED */
export const createTurns = (signal: AbortSignal | undefined): (() => Promise<void>) => {
  let steps = 0;
  return async () => {
    if ((steps += 1) % BATCH !== 0) return;
    await others();
    stopIfAborted(signal);
  };
};
