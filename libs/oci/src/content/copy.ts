import type { Digest, Progress } from '@pinlane/contracts';
import { fail, shortDigest } from '@pinlane/contracts';
import type { Descriptor } from './descriptor.ts';
import { childBlobs, childManifests, parseDocument, parseListed, uniqueBlobs, type ImageDocument } from './document.ts';
import { inParallel } from './pool.ts';
import type { ContentSink, ContentSource } from './ports.ts';

export interface CopyOptions {
  /** How many manifests or blobs are copied at once; 4 if absent. */
  readonly concurrency?: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

type Fetched = { readonly document: ImageDocument; readonly bytes: Uint8Array };

/** How deep indexes may lie in each other. */
const DEEPEST = 4;

/** Documents in levels: the root, what it lists, what that lists. Each is there once, in the lowest level of all that it is listed in. */
const fetchLevels = async (source: ContentSource, digest: Digest, concurrency: number, check: () => void): Promise<Fetched[][]> => {
  const { bytes } = await source.readManifest(digest);
  const levels: Fetched[][] = [[{ document: parseDocument(bytes), bytes }]];
  for (let level = 0; ; level++) {
    const listed = uniqueBlobs(levels[level]!.flatMap(({ document }) => childManifests(document)));
    if (listed.length === 0) break;
    if (level === DEEPEST) fail('ERR_MANIFEST_INVALID', `${digest} has indexes in indexes deeper than ${DEEPEST} levels`);
    levels.push(
      await inParallel(listed, concurrency, async (child) => {
        check();
        const fetched = await source.readManifest(child.digest);
        return { document: parseListed(child, fetched.bytes), bytes: fetched.bytes };
      }),
    );
  }
  return levels;
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

  const levels = await fetchLevels(source, digest, concurrency, stopIfAborted);
  const blobs = uniqueBlobs(levels.flat().flatMap(({ document }) => childBlobs(document)));
  await inParallel(blobs, concurrency, async (blob) => {
    stopIfAborted();
    if (await sink.hasBlob(blob)) return;
    await sink.putBlob(blob, () => source.openBlob(blob));
    progress(`copied ${shortDigest(blob.digest)} (${blob.size} bytes)`);
  });
  for (const level of levels.reverse())
    await inParallel(level, concurrency, async ({ document, bytes }) => {
      stopIfAborted();
      await sink.putManifest(document.descriptor, bytes);
    });
  return levels.at(-1)![0]!.document.descriptor;
};
