import { stat } from 'node:fs/promises';
import { fail, type Digest, type PinnedReference } from '@pinlane/contracts';
import {
  childBlobs,
  childManifests,
  MANIFEST_LIMIT,
  parseDocument,
  stopIfAborted,
  verified,
  verifyBytes,
  whileWanted,
  type BlobDescriptor,
  type ContentSink,
  type ContentSource,
  type Descriptor,
  type LeavingSource,
} from '../content/index.ts';
import { ifThere } from '../files/if-there.ts';
import { withLock } from '../files/lock.ts';
import { absentBlobs, claimBlob, hasItsBytes, isSmall, looksWhole, openBlob, readBlob, writeBlob, type HashedFiles } from './blobs.ts';
import { closureOf } from './closure.ts';
import { collectGarbage, type Collected, type CollectOptions } from './collect.ts';
import { hasDeletions, unmarkDeleted } from './deletions.ts';
import type { AnyBlob, AnyDigest } from './digests.ts';
import { createElsewhere, type Elsewhere, type Reach } from './elsewhere.ts';
import { checkName, createLayout, nameOf, readEntries, withName, writeEntries } from './index-file.ts';
import { claimOrigins, noteOrigin } from './origins.ts';
import { storePaths, type StorePaths } from './paths.ts';
import { describeReferrer, linkReferrer, referringTo, type Referrer } from './referrers.ts';
import { tagOfName } from './repository-names.ts';

/**
 * An OCI image layout on disk that any number of processes may use at once. All that it delivers was checked against its digest. A blob is here, or elsewhere: then it
 * was noted which repositories have it, and it is fetched from there when its bytes are read; or it is gone.
 */
export interface Store extends LeavingSource, ContentSink {
  readonly root: string;
  /** Writes bytes under their own digest. */
  writeBlob(chunks: AsyncIterable<Uint8Array> | Uint8Array): Promise<{ readonly digest: Digest; readonly size: number }>;
  /** A small blob, whole. @throws ERR_STORE_CORRUPT if it is missing, altered, or larger than `limit` bytes */
  readBlob(digest: Digest, limit: number): Promise<Uint8Array>;
  /** Notes that blobs are to be had as a part of an image in a registry. They need not be here then. */
  noteOrigin(image: PinnedReference, blobs: readonly BlobDescriptor[]): Promise<void>;
  /**
   * Brings those blobs here that are elsewhere: several at once, each once for all processes.
   * @param near is read in place of the repository that it is, if that was noted
   * @throws ERR_LAYER_GONE, ERR_REGISTRY_*, ERR_DIGEST_MISMATCH
   */
  bring(blobs: readonly BlobDescriptor[], near?: ContentSource): Promise<void>;
  /** The path of a blob's file, whether there is one or not. Reading the file checks nothing. */
  blobPath(digest: Digest): string;
  /** Gives an image a name, and takes it from the image that had it. @throws ERR_REFERENCE_INVALID, ERR_STORE_CORRUPT if the image is not in the store */
  name(name: string, descriptor: Descriptor): Promise<void>;
  /** @throws ERR_MANIFEST_UNKNOWN */
  resolve(name: string): Promise<Descriptor>;
  names(): Promise<ReadonlyMap<string, Descriptor>>;
  /** Removes a name, or all names that fit; it is no error if there is none. The image itself is left to garbage collection. */
  unname(name: string | ((name: string, image: Descriptor) => boolean)): Promise<void>;
  /** The manifests in the store that name this one as their subject, in the order of their digests. @throws ERR_STORE_CORRUPT */
  referrers(subject: Digest, artifactType?: string): Promise<Referrer[]>;
  /**
   * Lists what an image lacks: blobs that are gone or have the wrong size, and damaged manifests, configs and small layers. This is cheap, because large
   * layers are not read. With `hashed` every byte is read, of each file once in that memory: then an empty list says that the image is whole, but for the blobs
   * that are elsewhere, of which no registry is asked.
   */
  missing(digest: Digest, options?: { readonly hashed?: HashedFiles }): Promise<AnyDigest[]>;
  /** Removes content that no name and no kept image needs, and that is not in use. */
  collect(options: CollectOptions): Promise<Collected>;
}

export interface StoreOptions {
  /** How long to wait for another process that writes names, in ms; 30 s if absent. */
  readonly patienceMs?: number;
  /** Breaks off whatever is read, written, collected or waited for: each ends with ERR_CANCELLED. */
  readonly signal?: AbortSignal | undefined;
  /** How content is reached that is elsewhere; without it, none is fetched. */
  readonly reach?: Reach;
}

/** Makes the layout if there is none. It is looked for each time, because the folder may be wiped while this process runs. */
const ensureLayout = async (paths: StorePaths): Promise<void> => {
  if ((await ifThere(stat(paths.layout))) === undefined) await createLayout(paths);
};

/** The blobs that are neither here nor elsewhere; the others are marked as in use. */
export const goneBlobs = async <B extends AnyBlob>(paths: StorePaths, blobs: readonly B[]): Promise<B[]> => {
  const absent = await absentBlobs(paths, blobs);
  const elsewhere = await Promise.all(absent.map((blob) => claimOrigins(paths, blob)));
  return absent.filter((_, position) => !elsewhere[position]);
};

/** @throws ERR_STORE_CORRUPT if something that a manifest names is gone */
const requireChildren = async (paths: StorePaths, digest: Digest, children: readonly BlobDescriptor[]): Promise<void> => {
  const absent = await goneBlobs(paths, children);
  if (absent.length > 0)
    fail('ERR_STORE_CORRUPT', `${digest} names blobs that are missing or have another size: ${absent.map((child) => child.digest).join(', ')}`);
};

type Locked = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Runs work under the store's lock. Calls of this process wait for each other in a line, because hundreds that all tried to take the lock would keep each
 * other from it; the patience of each is thus for other processes and for those before it.
 */
const createLocked = (paths: StorePaths, patienceMs: number, signal: AbortSignal | undefined): Locked => {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const giveUp = performance.now() + patienceMs;
    const place = () =>
      ({
        folder: paths.locks,
        temporary: paths.temporary,
        patienceMs: giveUp - performance.now(),
        what: 'the store',
        code: 'ERR_STORE_LOCKED',
        signal,
      }) as const;
    const mine = last.then(() => withLock(place(), work));
    last = mine.catch(() => undefined);
    return mine;
  };
};

type ContentMethods = 'blobPath' | 'hasBlob' | 'openBlob' | 'writeBlob' | 'readBlob' | 'readManifest' | 'putBlob' | 'putManifest' | 'missing';
type ElsewhereMethods = 'noteOrigin' | 'imagesOf' | 'isElsewhere' | 'passBlob' | 'bring';

/** The content of the store: blobs and manifests by their digests. */
const contentOf = (paths: StorePaths, elsewhere: Elsewhere, signal: AbortSignal | undefined): Pick<Store, ContentMethods> => {
  const write: Store['writeBlob'] = async (chunks) => {
    await ensureLayout(paths);
    stopIfAborted(signal);
    return writeBlob(paths, chunks instanceof Uint8Array ? chunks : whileWanted(chunks, signal));
  };
  return {
    blobPath: (digest) => paths.blob(digest),
    hasBlob: async (blob) => claimBlob(paths, blob),
    async *openBlob(blob, use) {
      await elsewhere.bring([blob]);
      stopIfAborted(signal);
      // What is read at once can't be broken off.
      yield* isSmall(blob) ? openBlob(paths, blob, use) : whileWanted(openBlob(paths, blob, use), signal);
    },
    writeBlob: write,

    async readBlob(digest, limit) {
      return (await readBlob(paths, digest, limit)) ?? fail('ERR_STORE_CORRUPT', `blob ${digest} is missing`);
    },

    async readManifest(digest) {
      stopIfAborted(signal);
      const bytes = (await readBlob(paths, digest, MANIFEST_LIMIT)) ?? fail('ERR_MANIFEST_UNKNOWN', `${digest} is not in the store ${paths.root}`);
      return { descriptor: parseDocument(bytes).descriptor, bytes };
    },

    async putBlob(blob, open) {
      if (claimBlob(paths, blob)) return;
      await write(verified(open(), blob));
    },

    async putManifest({ digest, size, mediaType }, bytes) {
      const document = parseDocument(verifyBytes(bytes, digest, size));
      if (document.descriptor.mediaType !== mediaType)
        fail('ERR_MANIFEST_INVALID', `${digest} is announced as ${mediaType} and is ${document.descriptor.mediaType}`);
      await requireChildren(paths, digest, [...childManifests(document), ...childBlobs(document)]);
      await write(bytes);
      const { subject } = document.kind === 'index' ? document.index : document.manifest;
      if (subject) await linkReferrer(paths, subject.digest, digest);
    },

    async missing(digest, { hashed } = {}) {
      const { blobs, missing, corrupt } = await closureOf(paths, [digest]);
      const isThere = async (blob: AnyBlob): Promise<boolean> =>
        (await (hashed ? hasItsBytes(paths, blob, hashed, signal) : looksWhole(paths, blob))) || (await elsewhere.lookUp(blob)).length > 0;
      const there = await Promise.all(blobs.map(isThere));
      const absent = blobs.filter((_, position) => !there[position]).map((blob) => blob.digest);
      return [...missing, ...corrupt, ...absent].sort();
    },
  };
};

/** The content that others have. */
const elsewhereOf = (paths: StorePaths, { imagesOf, lookUp, bring, openElsewhere, ask }: Elsewhere): Pick<Store, ElsewhereMethods> => ({
  imagesOf,
  bring,

  async noteOrigin(image, blobs) {
    await ensureLayout(paths);
    await noteOrigin(paths, image, blobs);
  },

  async isElsewhere(blob) {
    const images = await lookUp(blob);
    if (images.length === 0) return false;
    await ask(blob, images);
    return true;
  },

  async *passBlob(blob) {
    const images = await lookUp(blob);
    yield* images.length === 0 ? openBlob(paths, blob) : openElsewhere(blob, images);
  },
});

/** Changes the entries of index.json; takes no lock if there is nothing to change. */
const changeEntries = async (paths: StorePaths, locked: Locked, change: (entries: readonly Descriptor[]) => Descriptor[]): Promise<void> => {
  await ensureLayout(paths);
  const same = (a: readonly Descriptor[], b: readonly Descriptor[]) => JSON.stringify(a) === JSON.stringify(b);
  const before = await readEntries(paths);
  if (same(before, change(before))) return;
  await locked(async () => writeEntries(paths, change(await readEntries(paths))));
};

/** Takes back deletions in the repository of a name: all that the named image is made of is available there again. */
const undelete = async (paths: StorePaths, name: string, digest: Digest): Promise<void> => {
  const repository = tagOfName(name)?.repository;
  if (repository === undefined || !(await hasDeletions(paths, repository))) return;
  const { manifests, blobs } = await closureOf(paths, [digest]);
  await Promise.all([...manifests, ...blobs.map((blob) => blob.digest)].map((each) => unmarkDeleted(paths, repository, each)));
};

/** The names of the store's images. */
const namesOf = (paths: StorePaths, locked: Locked): Pick<Store, 'name' | 'unname' | 'names' | 'resolve'> => {
  const names: Store['names'] = async () => {
    const named = (await readEntries(paths)).flatMap((entry): [string, Descriptor][] => {
      const { mediaType, digest, size } = entry;
      const name = nameOf(entry);
      return name === undefined ? [] : [[name, { mediaType, digest, size }]];
    });
    return new Map(named);
  };
  return {
    names,

    async name(name, descriptor) {
      checkName(name);
      await requireChildren(paths, descriptor.digest, [descriptor]);
      await changeEntries(paths, locked, (entries) => withName(entries, name, descriptor));
      await undelete(paths, name, descriptor.digest);
    },

    async unname(name) {
      const fits = typeof name === 'string' ? (each: string) => each === name : name;
      if (typeof name === 'string') checkName(name);
      await changeEntries(paths, locked, (entries) => entries.filter((entry) => !fits(nameOf(entry) ?? '', entry)));
    },

    async resolve(name) {
      return (await names()).get(name) ?? fail('ERR_MANIFEST_UNKNOWN', `no image in the store ${paths.root} is named ${JSON.stringify(name.slice(0, 200))}`);
    },
  };
};

const referrersOf = async (paths: StorePaths, subject: Digest, artifactType: string | undefined): Promise<Referrer[]> => {
  const all = await Promise.all((await referringTo(paths, subject)).map((digest) => describeReferrer(paths, subject, digest)));
  return all.filter((each) => each !== undefined).filter((each) => artifactType === undefined || each.artifactType === artifactType);
};

/** Opens the store in a folder. Nothing is made before something is written. */
export const openStore = (root: string, { patienceMs = 30_000, signal, reach }: StoreOptions = {}): Store => {
  const paths = storePaths(root);
  const elsewhere = createElsewhere(paths, { reach, signal, ensure: () => ensureLayout(paths) });
  const locked = createLocked(paths, patienceMs, signal);
  return {
    root,
    ...contentOf(paths, elsewhere, signal),
    ...elsewhereOf(paths, elsewhere),
    ...namesOf(paths, locked),
    referrers: (subject, artifactType) => referrersOf(paths, subject, artifactType),
    collect: async (options) =>
      (await ifThere(stat(paths.layout))) === undefined ? { removed: [], bytes: 0 } : locked(() => collectGarbage(paths, options, signal)),
  };
};
