import { fail, isPinlaneError, shortDigest, type Digest, type Progress, type Repository } from '@pinlane/contracts';
import { inParallel, type ContentSource, type Descriptor, type LeavingSource } from '../../content/index.ts';
import { RegistryUnavailable } from '../http/failure.ts';
import type { RegistryRepository } from '../repository/repository.ts';
import { withRetry } from '../http/retry.ts';
import { readImageToPush, type ImageToPush, type ManifestToPush } from './image-to-push.ts';
import { createMeter } from './meter.ts';
import { withSlot, type Slots } from './slots.ts';

export interface PushOptions {
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** Tags for people, put last. Another push may move them at any time, so nothing depends on them. */
  readonly tags?: readonly string[];
  /** How many blobs or manifests are sent at once; 6 if absent. */
  readonly concurrency?: number;
  /** Bounds how many pushes the processes of this machine run at once. */
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
  /** The blobs whose bytes were sent; what was mounted is not among them. */
  readonly uploaded: { readonly blobs: number; readonly bytes: number };
}

/** The tag that protects a manifest from jobs that delete untagged ones. */
export const protectingTag = (digest: Digest): string => `pin-${shortDigest(digest)}`;

/** Where an image comes from. If some of its layers are elsewhere, they are mounted from there or passed on, and not kept here. */
export type PushSource = ContentSource & Partial<LeavingSource>;

interface Push {
  readonly source: PushSource;
  readonly repository: RegistryRepository;
  readonly image: ImageToPush;
  /** The blobs that the registry was given, by their digests. */
  readonly given: Map<Digest, Descriptor>;
  /** Those of them whose bytes were sent; the others were mounted. */
  readonly sent: Set<Descriptor>;
  readonly concurrency: number;
  readonly progress: Progress;
  readonly stopIfAborted: () => void;
}

const openIn = (source: PushSource, blob: Descriptor): AsyncIterable<Uint8Array> => source.passBlob?.(blob) ?? source.openBlob(blob);

/** The repository of the same registry that a blob is known to be in, to be mounted from there. */
const mountOf = async ({ source, repository }: Push, blob: Descriptor): Promise<Repository | undefined> => {
  const { host, path } = repository.repository;
  return (await source.imagesOf?.(blob))?.find((image) => image.host === host && image.path !== path);
};

/** Gives the registry the blobs that it says it lacks: by a mount, or by their bytes. */
const sendBlobs = async (push: Push): Promise<void> => {
  const { source, repository, image, given, sent, concurrency, progress, stopIfAborted } = push;
  const meter = createMeter(progress);
  await inParallel(image.blobs, concurrency, async (blob) => {
    stopIfAborted();
    if (await repository.hasBlob(blob)) return;
    stopIfAborted();
    const from = await mountOf(push, blob);
    const open = (): AsyncIterable<Uint8Array> => {
      sent.add(blob);
      return openIn(source, blob);
    };
    await repository.putBlob(blob, meter.track(blob, open), from === undefined ? {} : { mount: from });
    given.set(blob.digest, blob);
    progress(`${sent.has(blob) ? 'uploaded' : 'mounted'} ${shortDigest(blob.digest)} (${blob.size} bytes)`);
  });
};

/** Whether a registry refused a manifest because it lacks parts that it said it has, as after an interrupted push or a clean-up. */
const lacksParts = (error: unknown): boolean => isPinlaneError(error, 'ERR_BLOB_UNKNOWN') || isPinlaneError(error, 'ERR_MANIFEST_UNKNOWN');

/** Puts a manifest under a tag. If the registry then says that it lacks parts, they are all sent once more, without asking what it has. */
const putManifest = async (push: Push, { descriptor, bytes, blobs }: ManifestToPush, tag: string): Promise<void> => {
  const { source, repository, image, given, sent, concurrency, progress, stopIfAborted } = push;
  const put = () => repository.tag(tag, descriptor, bytes);
  stopIfAborted();
  try {
    await put();
  } catch (error) {
    if (!lacksParts(error)) throw error;
    progress(`the registry lacks what it said to have of ${shortDigest(descriptor.digest)}: sending it again`);
    await inParallel(blobs, concurrency, async (blob) => {
      await repository.putBlob(blob, () => openIn(source, blob), { mount: false });
      given.set(blob.digest, blob);
      sent.add(blob);
    });
    if (descriptor.digest === image.root.descriptor.digest) await inParallel(image.children, concurrency, (child) => putProtected(push, child));
    // While another process sends the same parts, the registry may not see them for a moment.
    await withRetry(repository.retry, put, notYet);
  }
};

/** An error that passes, for a registry of many machines: it may take a moment until all of them have what one of them took. */
const notYet = (error: unknown): unknown => (lacksParts(error) ? new RegistryUnavailable('what was pushed is not there yet') : undefined);

/**
 * Puts one more tag on an image that is in a repository. While another process pushes the same image, a registry may not see all of it for a moment: it is
 * waited for. @param source where the manifest is read
 * @throws ERR_BLOB_UNKNOWN or ERR_MANIFEST_UNKNOWN if it lacks a part, and whatever the registry throws
 */
export const tagImage = async (source: Pick<ContentSource, 'readManifest'>, repository: RegistryRepository, digest: Digest, tag: string): Promise<void> => {
  const { descriptor, bytes } = await source.readManifest(digest);
  await withRetry(repository.retry, () => repository.tag(tag, descriptor, bytes), notYet);
};

/** Checks something as often as the registry may need until it is there. */
const checked = ({ repository, stopIfAborted }: Push, check: () => Promise<void>): Promise<void> => {
  stopIfAborted();
  return withRetry(repository.retry, check, notYet);
};

/** Proves by their bytes that a manifest and its protecting tag are in the registry. */
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

/** Proves by their sizes that the blobs that were given are in the registry. */
const readBlobsBack = async (push: Push): Promise<void> => {
  await inParallel([...push.given.values()], push.concurrency, (blob) =>
    checked(push, async () => {
      if (!(await push.repository.hasBlob(blob))) fail('ERR_BLOB_UNKNOWN', `the registry took blob ${blob.digest} and does not have it`);
    }),
  );
};

/** Puts a manifest under the tag that protects it: a registry then has it by its digest, too, and never without a tag. */
const putProtected = (push: Push, manifest: ManifestToPush): Promise<void> => putManifest(push, manifest, protectingTag(manifest.descriptor.digest));

/**
 * Puts the manifests of an image and proves that all of it is there. The index is put after all that it lists, because a registry that
 * keeps its content in files writes a manifest anew for each tag, and refuses an index that lists it while it does. The proofs run at the same time as the
 * index is put, since every step waits for the network.
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
 * Pushes an image to a repository so that its digests can be pinned: its blobs, then the manifests that its index lists, then the index, each manifest under
 * a protecting tag. Then all of it is proven to be there: each manifest is fetched by digest and by protecting tag and hashed, and the registry is asked
 * for the presence and size of every blob that it was given (the other blobs were asked for before). The tags for people are put last. Bytes are not changed.
 * Pushing again sends only what is missing; nothing is ever deleted. A layer that the source left in a registry is mounted if that is the same registry, and
 * passed on in a stream otherwise, or if the mount is refused; if it is no longer there, that is found out before any manifest is put.
 * @throws what `readImage` throws, before anything is sent; ERR_BLOB_UNKNOWN, ERR_MANIFEST_UNKNOWN or ERR_DIGEST_MISMATCH if the image can't be read back;
 * ERR_LAYER_GONE, ERR_REGISTRY_*, ERR_CANCELLED and whatever the source throws
 */
export const pushImage = async (source: PushSource, repository: RegistryRepository, digest: Digest, options: PushOptions = {}): Promise<PushedImage> => {
  const { progress = () => undefined, signal, tags = [], concurrency = 6, slots } = options;
  const stopIfAborted = (): void => {
    if (signal?.aborted) fail('ERR_CANCELLED', 'the push of an image was interrupted');
  };
  const image = await readImageToPush(source, digest);
  const given = new Map<Digest, Descriptor>();
  const sent = new Set<Descriptor>();
  const push: Push = { source, repository, image, given, sent, concurrency, progress, stopIfAborted };
  const { children, root } = image;

  return withSlot({ slots, host: repository.repository.host, progress, signal }, async () => {
    await sendBlobs(push);
    await sendManifests(push);
    await inParallel(tags, concurrency, (tag) => putManifest(push, root, tag));
    const manifests = [...children, root].map(({ descriptor }) => ({ descriptor, tag: protectingTag(descriptor.digest) }));
    return { descriptor: root.descriptor, manifests, uploaded: { blobs: sent.size, bytes: [...sent].reduce((sum, { size }) => sum + size, 0) } };
  });
};
