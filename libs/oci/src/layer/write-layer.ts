import type { Digest } from '@pinlane/contracts';
import { createSha256, OCI_LAYER_GZIP, type Descriptor } from '../content/index.ts';
import type { Store } from '../store/index.ts';
import type { LayerEntry } from './entry.ts';
import { gzipChunks } from './gzip.ts';
import { tarChunks } from './tar-writer.ts';

/** A layer of an image: its blob, and the digest of the tar in it, which the config lists. */
export interface Layer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

/**
 * Writes entries as a layer into a store, in one pass and with memory for a few chunks.
 * @throws ERR_CONTEXT_INVALID if a file's content is not what its entry says
 */
export const writeLayer = async (store: Pick<Store, 'writeBlob'>, entries: readonly LayerEntry[]): Promise<Layer> => {
  const tar = createSha256();
  async function* hashedTar() {
    for await (const chunk of tarChunks(entries, { lent: true })) {
      tar.update(chunk);
      yield chunk;
    }
  }
  const { digest, size } = await store.writeBlob(gzipChunks(hashedTar()));
  return { descriptor: { mediaType: OCI_LAYER_GZIP, digest, size }, diffId: tar.digest() };
};
