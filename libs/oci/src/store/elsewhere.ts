import { join } from 'node:path';
import {
  fail,
  formatReference,
  formatRepository,
  isPinlaneError,
  PinlaneError,
  shortDigest,
  type Digest,
  type ErrorCode,
  type PinnedReference,
  type Progress,
  type Repository,
} from '@pinlane/contracts';
import { inParallel, verified, whileWanted, type BlobDescriptor, type ContentSink, type ContentSource } from '../content/index.ts';
import { withLock } from '../files/lock.ts';
import { claimBlob, isHere, writeBlob } from './blobs.ts';
import { hexOf, type AnyBlob } from './digests.ts';
import { originsOf } from './origins.ts';
import type { StorePaths } from './paths.ts';

/** How a store reaches content that it does not have. */
export interface Reach {
  /** Opens a repository that was noted; nothing is sent before it is asked. */
  open(repository: Repository): ContentSource & Pick<ContentSink, 'hasBlob'>;
  readonly progress?: Progress;
}

/** The blobs of a store that are elsewhere. */
export interface Elsewhere {
  /** The images as a part of which a blob is to be had, whether it is here or not. */
  imagesOf(blob: AnyBlob): Promise<readonly PinnedReference[]>;
  /** The same for a blob that is elsewhere; none for one that is here, or gone. */
  lookUp(blob: AnyBlob): Promise<readonly PinnedReference[]>;
  /**
   * Brings blobs here that are elsewhere, several at once, and each once for all processes.
   * @param near is read in place of the repository that it is, if that was noted
   * @throws see `openElsewhere`
   */
  bring(blobs: readonly BlobDescriptor[], near?: ContentSource): Promise<void>;
  /**
   * The bytes of a blob from where it is; nothing is kept of them.
   * @throws ERR_LAYER_GONE with the blob and the images if none of them has it; ERR_REGISTRY_*, ERR_DIGEST_MISMATCH
   */
  openElsewhere(blob: BlobDescriptor, images: readonly PinnedReference[]): AsyncIterable<Uint8Array>;
  /** Asks whether a blob is where it was noted to be; nothing of it is fetched. @throws ERR_LAYER_GONE, ERR_REGISTRY_* */
  ask(blob: BlobDescriptor, images: readonly PinnedReference[]): Promise<void>;
}

/** How many blobs are brought at once. */
const AT_ONCE = 4;
/** How long another process may take to bring a blob, in ms. */
const PATIENCE_MS = 60 * 60 * 1000;

/** The errors of a repository that does not have a blob, or does not give it to us: another one may. */
const NOT_THERE: readonly ErrorCode[] = ['ERR_BLOB_UNKNOWN', 'ERR_MANIFEST_UNKNOWN', 'ERR_STORE_CORRUPT', 'ERR_LAYER_GONE'];

const named = (blob: BlobDescriptor, image: PinnedReference): string => `layer ${blob.digest} (${blob.size} bytes) of ${formatReference(image)}`;

/** Says of a failure which layer it was, and of which image. */
const aboutLayer = (blob: BlobDescriptor, image: PinnedReference, thrown: unknown): PinlaneError => {
  if (!isPinlaneError(thrown)) throw thrown;
  if (thrown.code === 'ERR_CANCELLED') return thrown;
  const code = NOT_THERE.includes(thrown.code) ? 'ERR_LAYER_GONE' : thrown.code;
  const [first, ...more] = thrown.problems;
  const fix =
    code === 'ERR_LAYER_GONE'
      ? `Push ${formatReference(image)} there again, whole, or build on another base.`
      : (first?.fix ?? `See that ${formatRepository(image)} can be reached and read from here, and try again.`);
  return new PinlaneError([{ ...first!, code, message: `${named(blob, image)}, which is not in the store: ${first!.message}`, fix }, ...more], {
    cause: thrown,
  });
};

/** The error of several repositories: one that passes counts most, since trying again may help. */
const gravest = (failures: readonly PinlaneError[]): PinlaneError =>
  failures.find(({ code }) => code === 'ERR_REGISTRY_UNAVAILABLE') ?? failures.find(({ code }) => code !== 'ERR_LAYER_GONE') ?? failures[0]!;

const unreachable = (blob: BlobDescriptor, images: readonly PinnedReference[]): never =>
  fail('ERR_BLOB_UNKNOWN', `blob ${blob.digest} is not in the store, and is not fetched here; it is to be had from ${images.map(formatReference).join(', ')}`, {
    fix: 'Run what needs it by Pinlane, which fetches it, or pull that image.',
  });

/** Works with the images in turn until one succeeds. @throws the gravest of their errors */
const eachInTurn = async <T>(blob: BlobDescriptor, images: readonly PinnedReference[], work: (image: PinnedReference) => Promise<T>): Promise<T> => {
  const failures: PinlaneError[] = [];
  for (const image of images) {
    try {
      return await work(image);
    } catch (thrown) {
      const failure = aboutLayer(blob, image, thrown);
      if (failure.code === 'ERR_CANCELLED') throw failure;
      failures.push(failure);
    }
  }
  throw gravest(failures);
};

export interface ElsewhereOptions {
  readonly reach: Reach | undefined;
  /** Breaks off what is fetched, and waits. */
  readonly signal: AbortSignal | undefined;
  /** Makes the store's folders. */
  ensure(): Promise<void>;
}

type Opened = ReturnType<Reach['open']>;

/** What reading from repositories takes. */
interface Reading extends ElsewhereOptions {
  readonly paths: StorePaths;
  readonly progress: Progress;
  /** The repository of an image, opened once; undefined if none is reached. */
  openImage(image: PinnedReference): Opened | undefined;
}

const createReading = (paths: StorePaths, options: ElsewhereOptions): Reading => {
  const { reach } = options;
  const opened = new Map<string, Opened>();
  return {
    ...options,
    paths,
    progress: reach?.progress ?? (() => undefined),
    openImage(image) {
      const name = formatRepository(image);
      const known = opened.get(name) ?? reach?.open({ host: image.host, path: image.path });
      if (known !== undefined) opened.set(name, known);
      return known;
    },
  };
};

const progressLine = (what: string, blob: BlobDescriptor, image: PinnedReference): string =>
  `${what} layer ${shortDigest(blob.digest)} (${(blob.size / 1e6).toFixed(1)} MB) of ${formatRepository(image)}`;

/** See `Elsewhere`. */
async function* openElsewhere(
  { openImage, progress, signal }: Reading,
  blob: BlobDescriptor,
  images: readonly PinnedReference[],
): AsyncGenerator<Uint8Array, void, void> {
  const failures: PinlaneError[] = [];
  for (const image of images) {
    const repository = openImage(image) ?? unreachable(blob, images);
    let begun = false;
    try {
      progress(progressLine('reading', blob, image));
      for await (const chunk of whileWanted(repository.openBlob(blob), signal)) {
        begun = true;
        yield chunk;
      }
      return;
    } catch (thrown) {
      const failure = aboutLayer(blob, image, thrown);
      // Its reader has bytes that can't be taken back, and may begin anew.
      if (begun || failure.code === 'ERR_CANCELLED') throw failure;
      failures.push(failure);
    }
  }
  throw gravest(failures);
}

/** Fetches a blob, unless another process does so before. @param near is read in place of the repository that it is */
const fetchBlob = async (reading: Reading, blob: BlobDescriptor, images: readonly PinnedReference[], near: ContentSource | undefined): Promise<void> => {
  const { paths, reach, signal, progress, openImage, ensure } = reading;
  await ensure();
  const own = near?.repository === undefined ? undefined : formatRepository(near.repository);
  const [nearby, others] = [images.filter((image) => formatRepository(image) === own), images.filter((image) => formatRepository(image) !== own)];
  const reached = [...nearby, ...(reach === undefined ? [] : others)];
  if (reached.length === 0) return unreachable(blob, images);
  const folder = join(paths.locks, `fetch-${hexOf(blob.digest).slice(0, 2)}`);
  await withLock({ folder, temporary: paths.temporary, patienceMs: PATIENCE_MS, what: `layer ${blob.digest}`, signal }, async () => {
    // Another process may have brought it meanwhile.
    if (claimBlob(paths, blob)) return;
    await eachInTurn(blob, reached, async (image) => {
      const isNear = nearby.includes(image);
      if (!isNear) progress(progressLine('fetching', blob, image));
      const source = (isNear ? near : openImage(image)) ?? unreachable(blob, images);
      await writeBlob(paths, verified(whileWanted(source.openBlob(blob), signal), blob));
    });
  });
};

/** What is known of where blobs are. Each file that is no note is told of once. */
const createLookUp = ({ paths, progress }: Reading): Pick<Elsewhere, 'imagesOf' | 'lookUp'> => {
  const told = new Set<string>();
  const imagesOf = async (blob: AnyBlob): Promise<readonly PinnedReference[]> => {
    const { images, ignored } = await originsOf(paths, blob);
    for (const path of ignored.filter((each) => !told.has(each))) {
      told.add(path);
      progress(`${path} is ignored, because it is no note of where ${blob.digest} is`, 'note');
    }
    return images;
  };
  return { imagesOf, lookUp: async (blob) => (isHere(paths, blob) ? [] : imagesOf(blob)) };
};

/** Opens what a store leaves elsewhere. */
export const createElsewhere = (paths: StorePaths, options: ElsewhereOptions): Elsewhere => {
  const reading = createReading(paths, options);
  const { imagesOf, lookUp } = createLookUp(reading);
  const underWay = new Map<Digest, Promise<void>>();

  const bringOne = async (blob: BlobDescriptor, near: ContentSource | undefined): Promise<void> => {
    const images = await lookUp(blob);
    if (images.length === 0) return;
    const work = underWay.get(blob.digest) ?? fetchBlob(reading, blob, images, near).finally(() => underWay.delete(blob.digest));
    underWay.set(blob.digest, work);
    await work;
  };

  return {
    imagesOf,
    lookUp,
    openElsewhere: (blob, images) => openElsewhere(reading, blob, images),
    bring: async (blobs, near) => {
      // Nearly always all are here, and each small document that is read asks.
      const absent = blobs.filter((blob) => !isHere(paths, blob));
      if (absent.length > 0) await inParallel(absent, AT_ONCE, (blob) => bringOne(blob, near));
    },
    ask: async (blob, images) => {
      if (options.reach === undefined) return unreachable(blob, images);
      await eachInTurn(blob, images, async (image) => {
        if (!(await reading.openImage(image)!.hasBlob(blob))) fail('ERR_BLOB_UNKNOWN', `${formatRepository(image)} does not have it`);
      });
    },
  };
};
