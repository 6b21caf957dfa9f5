import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MANIFEST_LIMIT } from '../content/index.ts';
import { readBlob } from './blobs.ts';
import { digestOfFile, digestToFile, type AnyBlob, type AnyDigest } from './digests.ts';
import { ifThere } from '../files/if-there.ts';
import { makeFolder } from '../files/make-folder.ts';
import type { StorePaths } from './paths.ts';
import { readParts } from './manifest-parts.ts';

/** A manifest that refers to another, as a list of referrers shows it (distribution specification, "Listing Referrers"). */
export interface Referrer extends AnyBlob {
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Notes that a manifest refers to a subject. The manifest is in the store already; the subject need not be. */
export const linkReferrer = async (paths: StorePaths, subject: AnyDigest, referrer: AnyDigest): Promise<void> => {
  const folder = paths.referrersOf(subject);
  await makeFolder(folder);
  await writeFile(join(folder, digestToFile(referrer)), '');
};

/** The digests of the manifests that refer to a subject, sorted; some may be gone. */
export const referringTo = async (paths: StorePaths, subject: AnyDigest): Promise<AnyDigest[]> =>
  ((await ifThere(readdir(paths.referrersOf(subject)))) ?? []).flatMap((name) => digestOfFile(name) ?? []).sort();

/** Describes a referrer from its bytes; undefined if it is gone, or does not refer to the subject. @throws ERR_STORE_CORRUPT */
export const describeReferrer = async (paths: StorePaths, subject: AnyDigest, digest: AnyDigest): Promise<Referrer | undefined> => {
  const bytes = await readBlob(paths, digest, MANIFEST_LIMIT);
  const read = bytes && readParts(bytes);
  if (!bytes || read?.subject?.digest !== subject) return undefined;
  return {
    mediaType: read.mediaType,
    digest,
    size: bytes.length,
    ...(read.artifactType === undefined ? {} : { artifactType: read.artifactType }),
    ...(read.annotations === undefined ? {} : { annotations: read.annotations }),
  };
};
