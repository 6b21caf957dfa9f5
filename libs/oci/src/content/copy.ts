import type { Digest, Progress } from '@pinlane/contracts';
import { fail, shortDigest } from '@pinlane/contracts';
import type { Descriptor } from './descriptor.ts';
import { childBlobs, childManifests, parseChild, parseDocument, uniqueBlobs, type ImageDocument } from './document.ts';
import { inParallel } from './pool.ts';
import type { ContentSink, ContentSource } from './ports.ts';

export interface CopyOptions {
  /** How many manifests or blobs are copied at once; 4 if absent. */
  readonly concurrency?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

type Fetched = { readonly document: ImageDocument; readonly bytes: Uint8Array };

const fetchRoot = async (source: ContentSource, digest: Digest): Promise<Fetched> => {
  const { bytes } = await source.readManifest(digest);
  return { document: parseDocument(bytes), bytes };
};

const fetchChild = async (source: ContentSource, listed: Descriptor): Promise<Fetched> => {
  const { bytes } = await source.readManifest(listed.digest);
  return { document: parseChild(listed, bytes), bytes };
};

/**
 * Copies an image (an index with all that it lists, or one manifest); blobs are streamed. A parent is written after everything that it names, so an
 * interrupted copy leaves nothing that looks whole. Bytes are not changed, and so the digest stays.
 * @throws ERR_MANIFEST_UNKNOWN, ERR_MANIFEST_INVALID, ERR_DIGEST_MISMATCH and whatever the two sides throw
 */
export const copyImage = async (source: ContentSource, sink: ContentSink, digest: Digest, options: CopyOptions = {}): Promise<Descriptor> => {
  const { concurrency = 4, progress = () => undefined, signal } = options;
  const stopIfAborted = () => {
    if (signal?.aborted) fail('ERR_CANCELLED', 'the copy of an image was interrupted');
  };

  const root = await fetchRoot(source, digest);
  const children: Fetched[] = [];
  await inParallel(uniqueBlobs(childManifests(root.document)), concurrency, async (child) => {
    stopIfAborted();
    children.push(await fetchChild(source, child));
  });

  const blobs = uniqueBlobs([root, ...children].flatMap(({ document }) => childBlobs(document)));
  await inParallel(blobs, concurrency, async (blob) => {
    stopIfAborted();
    if (await sink.hasBlob(blob)) return;
    await sink.putBlob(blob, () => source.openBlob(blob));
    progress(`copied ${shortDigest(blob.digest)} (${blob.size} bytes)`);
  });
  await inParallel(children, concurrency, async ({ document, bytes }) => {
    stopIfAborted();
    await sink.putManifest(document.descriptor, bytes);
  });
  stopIfAborted();
  await sink.putManifest(root.document.descriptor, root.bytes);
  return root.document.descriptor;
};
