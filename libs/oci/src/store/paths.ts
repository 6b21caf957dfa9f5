import { join, sep } from 'node:path';
import { algorithmOf, digestToFile, hexOf, type Algorithm, type AnyDigest } from './digests.ts';

/** The paths of a store: an OCI image layout (image-layout.md), and files of Pinlane beside it, which other tools ignore. */
export interface StorePaths {
  readonly root: string;
  readonly layout: string;
  readonly index: string;
  /** For files that are being written. On the same file system as the blobs, so that a rename puts them in place whole. */
  readonly temporary: string;
  readonly locks: string;
  /** Blobs that clients are uploading, one file for each session; a session outlives the server. */
  readonly uploads: string;
  /** A folder for each subject, with an empty file for each manifest that refers to it. */
  readonly referrers: string;
  /** A folder for each repository, with an empty file for each digest that was deleted in it. */
  readonly deleted: string;
  /** A folder for each blob that is to be had elsewhere, with a file for each repository that has it. */
  readonly origins: string;
  blobs(algorithm: Algorithm): string;
  blob(digest: AnyDigest): string;
  referrersOf(subject: AnyDigest): string;
  /** `repository` must be a valid repository name. */
  deletedIn(repository: string): string;
  originsOf(blob: AnyDigest): string;
}

export const storePaths = (root: string): StorePaths => {
  const [sha256, sha512] = [join(root, 'blobs/sha256'), join(root, 'blobs/sha512')];
  const blobs = (algorithm: Algorithm) => (algorithm === 'sha256' ? sha256 : sha512);
  const referrers = join(root, '.pinlane-referrers');
  const deleted = join(root, '.pinlane-deleted');
  const origins = join(root, '.pinlane-origins');
  return {
    root,
    layout: join(root, 'oci-layout'),
    index: join(root, 'index.json'),
    temporary: join(root, '.pinlane-tmp'),
    locks: join(root, '.pinlane-locks'),
    uploads: join(root, '.pinlane-uploads'),
    referrers,
    deleted,
    origins,
    blobs,
    // Not by join, which takes longer than to find the file: a run asks for a dozen blobs of each processor.
    blob: (digest) => `${blobs(algorithmOf(digest))}${sep}${hexOf(digest)}`,
    referrersOf: (subject) => join(referrers, digestToFile(subject)),
    // + is in no repository's name, so no two names get the same folder.
    deletedIn: (repository) => join(deleted, repository.replaceAll('/', '+')),
    originsOf: (blob) => join(origins, digestToFile(blob)),
  };
};
