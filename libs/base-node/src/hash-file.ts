import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { chunksOf, whileWanted } from '@pinlane/oci';

/** The hash of a file's content. @throws ERR_CANCELLED */
export const hashFile = async (file: string, algorithm: 'sha256' | 'sha512', signal: AbortSignal): Promise<Buffer> => {
  const hash = createHash(algorithm);
  // A stream that nobody reads, because the signal came first, would tell nobody but the process that its file is gone meanwhile.
  const opened = await open(file);
  try {
    for await (const chunk of whileWanted(chunksOf(opened, { lent: true }), signal)) hash.update(chunk);
  } finally {
    await opened.close();
  }
  return hash.digest();
};
