import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { whileWanted } from '@pinlane/oci';

/** The hash of a file's content. @throws ERR_CANCELLED */
export const hashFile = async (file: string, algorithm: 'sha256' | 'sha512', signal: AbortSignal): Promise<Buffer> => {
  const hash = createHash(algorithm);
  for await (const chunk of whileWanted(createReadStream(file, { highWaterMark: 1024 * 1024 }), signal)) hash.update(chunk);
  return hash.digest();
};
