import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { pack, type Pack } from 'tar-stream';
import { parseDigest, PinlaneError, type Digest } from '@pinlane/contracts';
import type { Store } from '@pinlane/oci';
import type { TreeEntry } from '../tree/entry.ts';

const BLOCK = 256 * 1024;
const EPOCH = new Date(0);

/** A layer in the store: digest and size of what is stored, and the digest of the tar inside (OCI image-spec, config.md, "diff_ids"). */
export interface WrittenLayer {
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly size: number;
}

const headerOf = (entry: TreeEntry) => ({
  name: entry.type === 'directory' ? `${entry.path}/` : entry.path,
  mode: entry.mode,
  uid: entry.uid,
  gid: entry.gid,
  mtime: EPOCH,
  uname: '',
  gname: '',
});

const addEntry = async (tar: Pack, entry: TreeEntry): Promise<void> => {
  const header = headerOf(entry);
  if (entry.type !== 'file') {
    const type = entry.type === 'hardlink' ? 'link' : entry.type;
    tar.entry({ ...header, type, ...('target' in entry ? { linkname: entry.target } : {}) });
    return;
  }
  await new Promise<void>((resolve, reject) => {
    const sink = tar.entry({ ...header, type: 'file', size: entry.content.size }, (error) => (error ? reject(error) : resolve()));
    const content = entry.content.open();
    if (content instanceof Uint8Array) sink.end(content);
    else content.once('error', (error) => sink.destroy(error)).pipe(sink as unknown as NodeJS.WritableStream);
  });
};

/** Cuts a stream into blocks of one size: what gzip makes of it then cannot depend on how the bytes happened to arrive. */
async function* inBlocks(source: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  let block = Buffer.allocUnsafe(BLOCK);
  let filled = 0;
  for await (const chunk of source) {
    for (let offset = 0; offset < chunk.length;) {
      const length = Math.min(BLOCK - filled, chunk.length - offset);
      block.set(chunk.subarray(offset, offset + length), filled);
      filled += length;
      offset += length;
      if (filled < BLOCK) continue;
      hash.update(block);
      yield block;
      block = Buffer.allocUnsafe(BLOCK);
      filled = 0;
    }
  }
  if (filled === 0) return;
  hash.update(block.subarray(0, filled));
  yield block.subarray(0, filled);
}

/**
 * Writes entries as a gzipped tar into the store, in the order given, streamed: neither the tar nor the layer is ever whole in memory.
 * Every time is the epoch and owners have no names, so the same entries give the same digest.
 * @throws ERR_CANCELLED and whatever the entries and the store throw
 */
export const writeLayer = async (store: Store, entries: Iterable<TreeEntry> | AsyncIterable<TreeEntry>, signal: AbortSignal): Promise<WrittenLayer> => {
  const tar = pack();
  const hash = createHash('sha256');
  const gzip = createGzip({ level: 6, chunkSize: BLOCK });
  const tarred = Readable.from(inBlocks(tar as unknown as AsyncIterable<Uint8Array>, hash), { objectMode: false, highWaterMark: BLOCK });
  tarred.once('error', (error) => gzip.destroy(error)).pipe(gzip);
  const stop = () => tar.destroy(new PinlaneError({ code: 'ERR_CANCELLED', message: 'the writing of a layer was interrupted' }));
  const produced = (async () => {
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    for await (const entry of entries) await addEntry(tar, entry);
    tar.finalize();
  })();
  produced.catch((error: Error) => tar.destroy(error));
  try {
    const { digest, size } = await store.writeBlob(gzip);
    await produced;
    return { digest, size, diffId: parseDigest(`sha256:${hash.digest('hex')}`) };
  } catch (error) {
    tar.destroy(error as Error);
    // What made the entries fail is the cause; the broken stream is its consequence.
    await produced;
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
};
