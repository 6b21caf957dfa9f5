import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { fail, PinlaneError, isPinlaneError, type Digest, type Problem } from '@pinlane/contracts';
import {
  childBlobs,
  childManifests,
  MANIFEST_LIMIT,
  parseDocument,
  verified,
  verifyBytes,
  type BlobDescriptor,
  type ContentSink,
  type ContentSource,
  type Descriptor,
} from '../content/index.ts';
import { absentBlobs, claimBlob, looksWhole, openBlob, readBlob, writeBlob } from './blobs.ts';
import { closureOf } from './closure.ts';
import { hasDeletions, unmarkDeleted } from './deletions.ts';
import type { AnyDigest } from './digests.ts';
import { collectGarbage, type Collected, type CollectOptions } from './collect.ts';
import { createWhole, ifThere } from './files.ts';
import { checkName, createLayout, nameOf, readEntries, withName, writeEntries } from './index-file.ts';
import { withLock } from './lock.ts';
import { storePaths } from './paths.ts';
import { describeReferrer, linkReferrer, referringTo, type Referrer } from './referrers.ts';
import { tagOfName } from './repository-names.ts';

/** An OCI image layout on disk, for any number of processes at once. Whatever it delivers was checked against its digest. */
export interface Store extends ContentSource, ContentSink {
  readonly root: string;
  /** Writes bytes under their own digest. */
  writeBlob(chunks: AsyncIterable<Uint8Array> | Uint8Array): Promise<{ readonly digest: Digest; readonly size: number }>;
  /** A small blob, whole. @throws ERR_STORE_CORRUPT when it is missing, altered, or larger than `limit` bytes */
  readBlob(digest: Digest, limit: number): Promise<Uint8Array>;
  /** Where a blob's file is, or would be; reading it from there checks nothing. */
  blobPath(digest: Digest): string;
  /** Gives an image a name, taking it from the one that had it. @throws ERR_REFERENCE_INVALID, ERR_STORE_CORRUPT when the image is not in the store */
  name(name: string, descriptor: Descriptor): Promise<void>;
  /** @throws ERR_MANIFEST_UNKNOWN */
  resolve(name: string): Promise<Descriptor>;
  names(): Promise<ReadonlyMap<string, Descriptor>>;
  /** Takes a name away, or those that fit; no error where there is none. The image goes with the next garbage collection. */
  unname(name: string | ((name: string, image: Descriptor) => boolean)): Promise<void>;
  /** The manifests in the store that name this one as their subject, in the order of their digests. @throws ERR_STORE_CORRUPT */
  referrers(subject: Digest, artifactType?: string): Promise<Referrer[]>;
  /**
   * What an image lacks: blobs that are not there or have the wrong size, manifests, configs and small layers that are damaged. Cheap: large
   * layers are not read.
   */
  missing(digest: Digest): Promise<AnyDigest[]>;
  /** Reads and hashes every byte of an image. @throws ERR_STORE_CORRUPT with every blob that is missing or altered */
  verify(digest: Digest): Promise<void>;
  /** Removes what has no name, is not kept and is not in use. */
  collect(options: CollectOptions): Promise<Collected>;
  /** A random word that stays while nothing is collected: a store that was wiped and filled again has another one. */
  generation(): Promise<string>;
}

export interface StoreOptions {
  /** How long to wait for another process that writes names, in ms; 30 s unless told. */
  readonly patienceMs?: number;
}

const damaged = (digest: AnyDigest, why: string): Problem => ({ code: 'ERR_STORE_CORRUPT', message: `blob ${digest} ${why}` });

/** The store in a folder; nothing is made before something is written. */
export const openStore = (root: string, { patienceMs = 30_000 }: StoreOptions = {}): Store => {
  const paths = storePaths(root);
  // Those of this process wait in line: hundreds that all try to take the lock keep each other from it. Patience is for the other processes.
  let last: Promise<unknown> = Promise.resolve();
  const locked = <T>(work: () => Promise<T>): Promise<T> => {
    const giveUp = performance.now() + patienceMs;
    const place = () => ({ folder: paths.locks, temporary: paths.temporary, patienceMs: giveUp - performance.now() });
    const mine = last.then(() => withLock(place(), work));
    last = mine.catch(() => undefined);
    return mine;
  };
  // Asked each time: the folder may be wiped while this process lives.
  const ensureLayout = async () => ((await ifThere(stat(paths.layout))) ? undefined : createLayout(paths));

  const changeEntries = async (change: (entries: readonly Descriptor[]) => Descriptor[]): Promise<void> => {
    await ensureLayout();
    const same = (a: readonly Descriptor[], b: readonly Descriptor[]) => JSON.stringify(a) === JSON.stringify(b);
    const before = await readEntries(paths);
    if (same(before, change(before))) return;
    await locked(async () => writeEntries(paths, change(await readEntries(paths))));
  };

  const requireChildren = async (digest: Digest, children: readonly BlobDescriptor[]): Promise<void> => {
    const absent = await absentBlobs(paths, children);
    if (absent.length > 0)
      fail('ERR_STORE_CORRUPT', `${digest} names blobs that are missing or have another size: ${absent.map((child) => child.digest).join(', ')}`);
  };

  /** What is named in a repository is all to be had there, whatever was deleted in it before. */
  const undelete = async (name: string, digest: Digest): Promise<void> => {
    const repository = tagOfName(name)?.repository;
    if (repository === undefined || !(await hasDeletions(paths, repository))) return;
    const { manifests, blobs } = await closureOf(paths, [digest]);
    await Promise.all([...manifests, ...blobs.map((blob) => blob.digest)].map((each) => unmarkDeleted(paths, repository, each)));
  };

  const store: Store = {
    root,
    blobPath: (digest) => paths.blob(digest),
    hasBlob: (blob) => claimBlob(paths, blob),
    openBlob: (blob, use) => openBlob(paths, blob, use),

    async writeBlob(chunks) {
      await ensureLayout();
      return writeBlob(paths, chunks);
    },

    async readBlob(digest, limit) {
      return (await readBlob(paths, digest, limit)) ?? fail('ERR_STORE_CORRUPT', `blob ${digest} is missing`);
    },

    async readManifest(digest) {
      const bytes = (await readBlob(paths, digest, MANIFEST_LIMIT)) ?? fail('ERR_MANIFEST_UNKNOWN', `${digest} is not in the store ${root}`);
      return { descriptor: parseDocument(bytes).descriptor, bytes };
    },

    async putBlob(blob, open) {
      if (await claimBlob(paths, blob)) return;
      await store.writeBlob(verified(open(), blob));
    },

    async putManifest({ digest, size, mediaType }, bytes) {
      const document = parseDocument(verifyBytes(bytes, digest, size));
      if (document.descriptor.mediaType !== mediaType)
        fail('ERR_MANIFEST_INVALID', `${digest} is announced as ${mediaType} and is ${document.descriptor.mediaType}`);
      await requireChildren(digest, [...childManifests(document), ...childBlobs(document)]);
      await store.writeBlob(bytes);
      const { subject } = document.kind === 'index' ? document.index : document.manifest;
      if (subject) await linkReferrer(paths, subject.digest, digest);
    },

    async name(name, descriptor) {
      checkName(name);
      await requireChildren(descriptor.digest, [descriptor]);
      await changeEntries((entries) => withName(entries, name, descriptor));
      await undelete(name, descriptor.digest);
    },

    async unname(name) {
      if (typeof name === 'string') {
        checkName(name);
        return store.unname((each) => each === name);
      }
      await changeEntries((entries) => entries.filter((entry) => !name(nameOf(entry) ?? '', entry)));
    },

    async referrers(subject, artifactType) {
      const all = await Promise.all((await referringTo(paths, subject)).map((digest) => describeReferrer(paths, subject, digest)));
      return all.filter((each) => each !== undefined).filter((each) => artifactType === undefined || each.artifactType === artifactType);
    },

    async names() {
      const named = (await readEntries(paths)).flatMap((entry): [string, Descriptor][] => {
        const { mediaType, digest, size } = entry;
        const name = nameOf(entry);
        return name === undefined ? [] : [[name, { mediaType, digest, size }]];
      });
      return new Map(named);
    },

    async resolve(name) {
      return (await store.names()).get(name) ?? fail('ERR_MANIFEST_UNKNOWN', `no image in the store ${root} is named ${JSON.stringify(name.slice(0, 200))}`);
    },

    async missing(digest) {
      const { blobs, missing, corrupt } = await closureOf(paths, [digest]);
      const whole = await Promise.all(blobs.map((blob) => looksWhole(paths, blob)));
      const absent = blobs.filter((_, position) => !whole[position]).map((blob) => blob.digest);
      return [...missing, ...corrupt, ...absent].sort();
    },

    async verify(digest) {
      const { blobs, missing, corrupt } = await closureOf(paths, [digest]);
      const problems = [...missing.map((each) => damaged(each, 'is missing')), ...corrupt.map((each) => damaged(each, 'was altered or truncated'))];
      for (const blob of blobs) {
        try {
          for await (const _ of openBlob(paths, blob, { lent: true }));
        } catch (error) {
          if (!isPinlaneError(error)) throw error;
          problems.push(...error.problems);
        }
      }
      const [first, ...more] = problems;
      if (first) throw new PinlaneError([first, ...more]);
    },

    async collect(options) {
      return (await ifThere(stat(paths.layout))) === undefined ? { removed: [], bytes: 0 } : locked(() => collectGarbage(paths, options));
    },

    async generation() {
      const known = await ifThere(readFile(paths.generation, 'utf8'));
      if (known !== undefined) return known.trim();
      await ensureLayout();
      await createWhole(paths.temporary, paths.generation, `${randomBytes(16).toString('hex')}\n`);
      return (await readFile(paths.generation, 'utf8')).trim();
    },
  };
  return store;
};
