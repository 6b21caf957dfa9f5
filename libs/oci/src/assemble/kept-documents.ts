import { isPinlaneError } from '@pinlane/contracts';
import { MANIFEST_LIMIT, readAll, type ContentSource } from '../content/index.ts';
import type { Store } from '../store/index.ts';

/** What the store gives; undefined if it is missing or was altered, since it can be fetched again. */
const ifKept = async <T>(read: Promise<T>): Promise<T | undefined> => {
  try {
    return await read;
  } catch (thrown) {
    if (isPinlaneError(thrown, 'ERR_MANIFEST_UNKNOWN') || isPinlaneError(thrown, 'ERR_STORE_CORRUPT')) return undefined;
    throw thrown;
  }
};

/**
 * The manifests and configs of a source. A store keeps them when they are first read, and gives them from then on: a digest stands for the same
 * bytes for ever, so the registry need not be asked again. For small blobs only, since each is held in memory.
 */
export const keptDocuments = (source: ContentSource, store: Store): ContentSource => ({
  async readManifest(digest) {
    const kept = await ifKept(store.readManifest(digest));
    if (kept) return kept;
    const read = await source.readManifest(digest);
    // It is written as a blob, because the store takes a manifest only with all that it names, and a base may have platforms that nobody builds for.
    await store.writeBlob(read.bytes);
    return read;
  },
  async *openBlob(blob) {
    const kept = await ifKept(store.readBlob(blob.digest, MANIFEST_LIMIT));
    if (kept) return yield kept;
    const read = await readAll(source.openBlob(blob), MANIFEST_LIMIT, `config ${blob.digest}`);
    await store.writeBlob(read);
    yield read;
  },
});
