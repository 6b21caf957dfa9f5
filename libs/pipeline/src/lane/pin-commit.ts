import { asPinlaneError } from '@pinlane/contracts';
import { pinTrailers, type PinTrailers } from '../pin/pin-commit.ts';
import { differInPinsOnly, pinFileName, pinValues, type PinValues } from '../pin/pin-values.ts';

/** A file that a commit changed; a text is null where there is no regular file of that path. */
export interface ChangedFile {
  readonly path: string;
  readonly sameMode: boolean;
  readonly before: string | null;
  readonly after: string | null;
}

/** A commit, as git has it. */
export interface CommitFacts {
  readonly message: string;
  readonly parents: number;
  readonly changed: readonly ChangedFile[];
  /** Whether the commit that its trailer calls its source is an ancestor of it. */
  readonly comesAfterSource: boolean;
}

/** The pins that a pin commit wrote. */
export interface PinCommitFacts extends PinTrailers {
  readonly files: readonly { readonly path: string; readonly ref: string | null; readonly pins: PinValues }[];
}

const refIn = (text: string): string | null => /^ref:[ \t]*['"]?([^\s'"#]+)/m.exec(text)?.[1] ?? null;

/**
 * Reads a commit as the pin commit that it claims to be: it has the trailers, one parent that follows its source, and holds nothing but pins.
 * @returns what it pinned, or why it is none
 */
export const readPinCommit = ({ message, parents, changed, comesAfterSource }: CommitFacts): PinCommitFacts | { readonly reason: string } => {
  const trailers = pinTrailers(message);
  if (trailers === null) return { reason: 'it has no trailer of a pin commit' };
  if (parents !== 1) return { reason: `it has ${parents} parents, and a pin commit has one` };
  if (!comesAfterSource) return { reason: `the commit that it names as its source, ${trailers.source.slice(0, 12)}, does not come before it` };
  const files: PinCommitFacts['files'][number][] = [];
  for (const { path, sameMode, before, after } of changed) {
    const name = pinFileName(path);
    if (name === null || before === null || after === null || !sameMode) return { reason: `it changes more than pins: ${path}` };
    try {
      if (!differInPinsOnly(before, after, path, name)) return { reason: `it changes more than pins: ${path}` };
      files.push({ path, ref: name === 'registry.yaml' ? refIn(after) : null, pins: pinValues(after, path, name) });
    } catch (thrown) {
      return { reason: `${path} can't be read in it: ${asPinlaneError(thrown).problems[0]?.message}` };
    }
  }
  return files.length === 0 ? { reason: 'it changes nothing' } : { ...trailers, files };
};
