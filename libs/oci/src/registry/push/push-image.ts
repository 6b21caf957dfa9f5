import { fail, isPinlaneError, shortDigest, type Digest, type Progress } from '@pinlane/contracts';
import { inParallel, type ContentSource, type Descriptor } from '../../content/index.ts';
import { RegistryUnavailable } from '../failure.ts';
import type { RegistryRepository } from '../repository.ts';
import { withRetry } from '../retry.ts';
import { readImageToPush, type ImageToPush, type ManifestToPush } from './image-to-push.ts';
import { createMeter } from './meter.ts';
import { withSlot, type Slots } from './slots.ts';

export interface PushOptions {
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** Names for people, put last. Another push may move them at any time, so nothing hangs on them. */
  readonly tags?: readonly string[];
  /** How many blobs or manifests are under way at once; 6 unless told. */
  readonly concurrency?: number;
  /** Bounds the pushes of all processes of this machine together. */
  readonly slots?: Slots;
}

/** A manifest that is in the registry, and the tag that keeps it there. */
export interface PushedManifest {
  readonly descriptor: Descriptor;
  readonly tag: string;
}

export interface PushedImage {
  readonly descriptor: Descriptor;
  /** Every manifest of the image, the root last. */
  readonly manifests: readonly PushedManifest[];
  /** What the registry did not have before. */
  readonly uploaded: { readonly blobs: number; readonly bytes: number };
}

/** The tag that keeps a manifest from jobs that delete what has none. */
export const protectingTag = (digest: Digest): string => `pin-${shortDigest(digest)}`;

interface Push {
  readonly source: ContentSource;
  readonly repository: RegistryRepository;
  readonly image: ImageToPush;
  /** The blobs that were sent so far, by their digests. */
  readonly sent: Map<Digest, Descriptor>;
  readonly concurrency: number;
  readonly progress: Progress;
  readonly stopIfAborted: () => void;
}

/** Sends the blobs that the registry does not say it has. */
const sendBlobs = async ({ source, repository, image, sent, concurrency, progress, stopIfAborted }: Push): Promise<void> => {
  const meter = createMeter(progress);
  await inParallel(image.blobs, concurrency, async (blob) => {
    stopIfAborted();
    if (await repository.hasBlob(blob)) return;
    stopIfAborted();
    await repository.putBlob(
      blob,
      meter.track(blob, () => source.openBlob(blob)),
    );
    sent.set(blob.digest, blob);
    progress(`uploaded ${shortDigest(blob.digest)} (${blob.size} bytes)`);
  });
};

/** A registry that refuses a manifest because it lacks what it said to have: a push that was broken off, or a clean-up, leaves it so. */
const lacksParts = (error: unknown): boolean => isPinlaneError(error, 'ERR_BLOB_UNKNOWN') || isPinlaneError(error, 'ERR_MANIFEST_UNKNOWN');

/** Puts a manifest by digest, or under a tag; where the registry lacks its parts after all, they are sent again, once, whatever it says to have. */
const putManifest = async (push: Push, { descriptor, bytes, blobs }: ManifestToPush, tag?: string): Promise<void> => {
  const { source, repository, image, sent, concurrency, progress, stopIfAborted } = push;
  const put = () => (tag === undefined ? repository.putManifest(descriptor, bytes) : repository.tag(tag, descriptor, bytes));
  stopIfAborted();
  try {
    await put();
  } catch (error) {
    if (!lacksParts(error)) throw error;
    progress(`the registry lacks what it said to have of ${shortDigest(descriptor.digest)}: sending it again`);
    await inParallel(blobs, concurrency, async (blob) => {
      await repository.putBlob(blob, () => source.openBlob(blob), { mount: false });
      sent.set(blob.digest, blob);
    });
    if (descriptor.digest === image.root.descriptor.digest) await inParallel(image.children, concurrency, (child) => putManifest(push, child));
    // Another process that sends the same parts right now may hide them from the registry for a moment.
    await withRetry(repository.retry, put, notYet);
  }
};

/** A registry of many machines may need a moment until all of them know what one has taken. */
const notYet = (error: unknown): unknown => (lacksParts(error) ? new RegistryUnavailable('what was pushed is not there yet') : undefined);

/** Asks as often as a registry may need. */
const checked = ({ repository, stopIfAborted }: Push, check: () => Promise<void>): Promise<void> => {
  stopIfAborted();
  return withRetry(repository.retry, check, notYet);
};

/** Proves that a manifest and its protecting tag are there, by their bytes. */
const readBack = async (push: Push, { descriptor: { digest } }: ManifestToPush): Promise<void> => {
  const { repository } = push;
  await Promise.all([
    checked(push, async () => void (await repository.readManifest(digest))),
    checked(push, async () => {
      const tag = protectingTag(digest);
      const named = await repository.resolve(tag);
      if (named.digest !== digest) fail('ERR_DIGEST_MISMATCH', `the tag ${tag} was put on ${digest} and names ${named.digest}`);
    }),
  ]);
};

/** Proves that what was sent is there, by its size. */
const readBlobsBack = (push: Push): Promise<void> =>
  inParallel([...push.sent.values()], push.concurrency, (blob) =>
    checked(push, async () => {
      if (!(await push.repository.hasBlob(blob))) fail('ERR_BLOB_UNKNOWN', `the registry took blob ${blob.digest} and does not have it`);
    }),
  );

/** Puts a manifest by its digest, then under the tag that keeps it. */
const putProtected = async (push: Push, manifest: ManifestToPush): Promise<void> => {
  await putManifest(push, manifest);
  await putManifest(push, manifest, protectingTag(manifest.descriptor.digest));
};

/**
 * Puts the manifests of an image and proves that all of it is there. An index goes where all that it lists is, and is tagged: a registry that keeps files
 * writes a manifest anew for each of its tags, and for that moment takes no index that lists it. What only reads goes side by side with it, since every
 * step waits for the network.
 */
const sendManifests = async (push: Push): Promise<void> => {
  const { children, root } = push.image;
  await inParallel(children, push.concurrency, (child) => putProtected(push, child));
  const rest = async (): Promise<void> => {
    await putProtected(push, root);
    await readBack(push, root);
  };
  await inParallel([rest, ...children.map((child) => () => readBack(push, child)), () => readBlobsBack(push)], push.concurrency, (send) => send());
};

/**
 * Pushes an image of a source to a repository, so that a digest of it can be pinned: its blobs, then the manifests that its index lists by digest,
 * then the index and the protecting tags. Each manifest is fetched again by digest and by protecting tag and hashed from its bytes, and the registry
 * is asked for the presence and size of every blob that was sent; a blob that it had before was asked for before. The tags for people come last, on what
 * was proven. Bytes are passed on as they are. Doing it again sends what is not there; nothing is ever deleted.
 * @throws what `readImage` throws, before anything is sent; ERR_BLOB_UNKNOWN, ERR_MANIFEST_UNKNOWN or ERR_DIGEST_MISMATCH where what was pushed
 * can't be read back; ERR_REGISTRY_*, ERR_CANCELLED and whatever the source throws
 */
export const pushImage = async (source: ContentSource, repository: RegistryRepository, digest: Digest, options: PushOptions = {}): Promise<PushedImage> => {
  const { progress = () => undefined, signal, tags = [], concurrency = 6, slots } = options;
  const stopIfAborted = (): void => {
    if (signal?.aborted) fail('ERR_CANCELLED', 'the push of an image was interrupted');
  };
  const image = await readImageToPush(source, digest);
  const push: Push = { source, repository, image, sent: new Map(), concurrency, progress, stopIfAborted };
  const { sent } = push;
  const { children, root } = image;

  return withSlot({ slots, host: repository.repository.host, progress, signal }, async () => {
    await sendBlobs(push);
    await sendManifests(push);
    await inParallel(tags, concurrency, (tag) => putManifest(push, root, tag));
    const manifests = [...children, root].map(({ descriptor }) => ({ descriptor, tag: protectingTag(descriptor.digest) }));
    return { descriptor: root.descriptor, manifests, uploaded: { blobs: sent.size, bytes: [...sent.values()].reduce((sum, { size }) => sum + size, 0) } };
  });
};
