import { fail } from '@pinlane/contracts';

/** @throws ERR_CANCELLED once the work is broken off */
export const stopIfAborted = (signal: AbortSignal): void => {
  if (signal.aborted) fail('ERR_CANCELLED', 'the build was interrupted');
};

/** Passes chunks on until the work is broken off. @throws ERR_CANCELLED */
export async function* whileWanted(chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of chunks) {
    stopIfAborted(signal);
    yield chunk;
  }
}
