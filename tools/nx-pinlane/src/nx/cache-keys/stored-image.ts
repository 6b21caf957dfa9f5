import { isDigest } from '@pinlane/contracts';
import { openStore, type HashedFiles } from '@pinlane/oci';

/** All tasks of a command share it: their images share bases, and each file is hashed once. */
const hashedFiles: HashedFiles = new Set();

/**
 * Whether the store has all of an image, with `hashed` every byte of it. An image that can't be read counts as not there: the task runs, and
 * reports why.
 */
export const hasWholeImage = async (root: string, digest: string, { hashed = false } = {}): Promise<boolean> => {
  try {
    return isDigest(digest) && (await openStore(root).missing(digest, hashed ? { hashed: hashedFiles } : {})).length === 0;
  } catch {
    return false;
  }
};
