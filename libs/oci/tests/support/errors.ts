import { errorOf } from '@pinlane/testing';

export { errorOf };

/** The code of that error. */
export const codeOf = async (work: () => unknown): Promise<string> => (await errorOf(work)).code;

/** Reads a stream to its end. */
export const drain = async (source: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
};
