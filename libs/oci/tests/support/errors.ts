import { PinlaneError } from '@pinlane/contracts';

/** The Pinlane error that some work ends with; anything else, or none, fails the test. */
export const errorOf = async (work: () => unknown): Promise<PinlaneError> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof PinlaneError) return error;
    throw error;
  }
  throw new Error('expected an error, and there was none');
};

/** The code of that error. */
export const codeOf = async (work: () => unknown): Promise<string> => (await errorOf(work)).code;

/** Reads a stream to its end. */
export const drain = async (source: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
};
