import type { Clone } from '@pinlane/adapters';
import { pinFileName, pinTrailers, SOURCE_TRAILER } from '@pinlane/pipeline';

/** A commit that holds the pins of a pipeline. */
export interface PinCommitOf {
  readonly commit: string;
  /** The commit that the pinned images were built from. */
  readonly source: string;
}

/** What a commit says of itself, if it is so: the source comes before it, and it changes files that hold pins, and no others; null otherwise. */
export const asPinCommit = async (commit: string, clone: Clone): Promise<PinCommitOf | null> => {
  const { message, parents } = await clone.about(commit);
  const source = pinTrailers(message)?.source;
  const [parent, second] = parents;
  if (source === undefined || parent === undefined || second !== undefined || !(await clone.isAncestor(source, parent))) return null;
  const changes = await clone.differences(parent, commit);
  return changes.every(({ status, path }) => status === 'M' && pinFileName(path) !== null) ? { commit, source } : null;
};

/**
 * The pin commits in the history of a commit, newest first, of the last hundred that say they are one: anybody may write a trailer, and one that is not
 * true must not keep source from being looked at.
 */
export const pinCommitsOf = async function* (revision: string, clone: Clone): AsyncGenerator<PinCommitOf> {
  for (const commit of await clone.saying(`${SOURCE_TRAILER}: `, revision)) {
    const found = await asPinCommit(commit, clone);
    if (found !== null) yield found;
  }
};
