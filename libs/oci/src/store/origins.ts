import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import {
  digestSchema,
  formatReference,
  formatRepository,
  isDigest,
  isStoreReference,
  parsePinnedReference,
  pinnedReferenceSchema,
  type PinnedReference,
} from '@pinlane/contracts';
import type { BlobDescriptor } from '../content/index.ts';
import { makeFolder } from '../files/make-folder.ts';
import { ifThere } from '../files/if-there.ts';
import { renameInto, throughTemporary } from '../files/whole-file.ts';
import { digestOfFile, type AnyBlob, type AnyDigest } from './digests.ts';
import type { StorePaths } from './paths.ts';

const recordSchema = z.strictObject({
  kind: z.literal('BlobOrigin'),
  schemaVersion: z.literal(1),
  blob: digestSchema,
  size: z.number().int().nonnegative(),
  image: z.string(),
});

/** The name of a record's file: one for each repository. A repository's own name may be too long for a file. */
const fileOf = (image: PinnedReference): string => createHash('sha256').update(formatRepository(image)).digest('hex').slice(0, 32);

/** How large a record is at most, in bytes; a larger file was not written here. */
const LARGEST = 4096;

/**
 * Notes, for blobs, that the repository of an image has them as a part of it. A note that is there already counts as new, so that garbage collection leaves it
 * alone for its grace time.
 */
export const noteOrigin = async (paths: StorePaths, image: PinnedReference, blobs: readonly BlobDescriptor[]): Promise<void> => {
  if (isStoreReference(image)) return;
  const now = new Date();
  for (const { digest, size } of blobs) {
    const path = join(paths.originsOf(digest), fileOf(image));
    const text = JSON.stringify({ kind: 'BlobOrigin', schemaVersion: 1, blob: digest, size, image: formatReference(image) });
    if ((await ifThere(readFile(path, 'utf8'))) === text && (await ifThere(utimes(path, now, now).then(() => true)))) continue;
    await throughTemporary(
      paths.temporary,
      (file) => file.writeFile(text),
      (temporary) => renameInto(temporary, path),
    );
  }
};

const yes = () => true;
const no = () => false;

/** The names in a folder; none if it is not there, or is no folder. */
const namesIn = async (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' || error.code === 'ENOTDIR' ? [] : Promise.reject(error)));

/** A note's text; empty if it is none, and undefined if it has gone. */
const textOf = async (path: string): Promise<string | undefined> => {
  const info = await ifThere(stat(path));
  if (info === undefined) return undefined;
  return info.isFile() && info.size <= LARGEST ? ifThere(readFile(path, 'utf8')) : '';
};

const recordOf = (text: string): z.infer<typeof recordSchema> | undefined => {
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

const parse = (text: string, blob: AnyBlob, name: string): PinnedReference | undefined => {
  const read = recordOf(text);
  if (read?.blob !== blob.digest || read.size !== blob.size || !pinnedReferenceSchema.safeParse(read.image).success) return undefined;
  const image = parsePinnedReference(read.image);
  return fileOf(image) === name && !isStoreReference(image) ? image : undefined;
};

/** Where a blob is to be had, by what was noted; and the files that are no such notes, which are not believed. */
export interface Origins {
  readonly images: readonly PinnedReference[];
  readonly ignored: readonly string[];
}

/** The sizes, in bytes, that were noted of a blob: one, unless notes were altered. */
export const notedSizes = async (paths: StorePaths, digest: AnyDigest): Promise<number[]> => {
  if (!isDigest(digest)) return [];
  const folder = paths.originsOf(digest);
  const texts = await Promise.all((await namesIn(folder)).map((name) => textOf(join(folder, name))));
  return [...new Set(texts.flatMap((text) => recordOf(text ?? '')?.size ?? []))];
};

/**
 * Reads what was noted of a blob. Only its digest is believed of what comes from there, so the worst that an altered note can do is to have a repository asked
 * that does not have the blob.
 */
export const originsOf = async (paths: StorePaths, blob: AnyBlob): Promise<Origins> => {
  if (!isDigest(blob.digest)) return { images: [], ignored: [] };
  const folder = paths.originsOf(blob.digest);
  const images: PinnedReference[] = [];
  const ignored: string[] = [];
  for (const name of (await namesIn(folder)).sort()) {
    const path = join(folder, name);
    const text = await textOf(path);
    if (text === undefined) continue;
    const image = parse(text, blob, name);
    if (image === undefined) ignored.push(path);
    else images.push(image);
  }
  return { images, ignored };
};

/** Marks what was noted of a blob as in use, see `noteOrigin`. @returns whether anything is noted */
export const claimOrigins = async (paths: StorePaths, blob: AnyBlob): Promise<boolean> => {
  const { images } = await originsOf(paths, blob);
  const now = new Date();
  const touched = images.map((image) => utimes(join(paths.originsOf(blob.digest), fileOf(image)), now, now).catch(() => undefined));
  await Promise.all(touched);
  return images.length > 0;
};

const newestIn = async (folder: string): Promise<number> => {
  const times = (await namesIn(folder)).map(async (name) => (await ifThere(stat(join(folder, name))))?.mtimeMs ?? 0);
  return Math.max((await ifThere(stat(folder)))?.mtimeMs ?? 0, ...(await Promise.all(times)));
};

/** Removes what was noted of blobs that are not kept, unless it was used after `before`, in ms since the epoch. `first` is called before the first goes. */
export const sweepOrigins = async (paths: StorePaths, kept: ReadonlySet<AnyDigest>, before: number): Promise<void> => {
  for (const name of await namesIn(paths.origins)) {
    const digest = digestOfFile(name);
    const folder = join(paths.origins, name);
    if ((digest !== undefined && kept.has(digest)) || (await newestIn(folder)) >= before) continue;
    await makeFolder(paths.temporary);
    const aside = join(paths.temporary, `removed-${randomUUID()}`);
    if ((await ifThere(rename(folder, aside).then(() => true))) === undefined) continue;
    // Whoever used it before it was moved has left a time on it; whoever notes it anew meanwhile makes another.
    const back = (await newestIn(aside)) >= before && (await rename(aside, folder).then(yes, no));
    if (!back) await rm(aside, { recursive: true, force: true });
  }
};
