import { formatReference, parsePinnedReference, platformOf, type Architecture, type Lane } from '@pinlane/contracts';
import { samePins, type PinValues } from './pin-values.ts';

/** The name of the trailer with the commit that the pinned images were built from. */
export const SOURCE_TRAILER = 'Pinlane-Source';
/** The name of the trailer with the run of CI that pinned them. */
export const RUN_TRAILER = 'Pinlane-Run';

/** The pins of one file that a commit changes. */
export interface PinChange {
  /** Relative to the workspace's root, with `/`. */
  readonly file: string;
  /** The ref of the processor, or the folder of the base. */
  readonly name: string;
  readonly before: PinValues;
  readonly after: PinValues;
}

/** What a pin commit says of itself. */
export interface PinTrailers {
  readonly source: string;
  readonly run: string | null;
}

const digestIn = (reference: string | null | undefined): string => (reference == null ? 'none' : parsePinnedReference(reference).digest);

/** What a path pins, in words; null if it pins no image. */
const subjectOf = (path: string): string | null => {
  if (path === 'image.index' || path === 'published') return 'index';
  const [, architecture] = /^image\.platforms\.(.+)$/.exec(path) ?? [];
  return architecture === undefined ? null : platformOf(architecture as Architecture);
};

/** The images of a change: what is pinned, before and after, as digests or `none`. Where the place alone changed, as whole references. */
export const pinLines = ({ name, before, after }: PinChange): string[] =>
  Object.keys(after).flatMap((path) => {
    const subject = subjectOf(path);
    const [from, to] = [before[path] ?? null, after[path] ?? null];
    if (subject === null || from === to) return [];
    const moved = digestIn(from) === digestIn(to);
    const shown = (reference: string | null): string => (moved && reference !== null ? formatReference(parsePinnedReference(reference)) : digestIn(reference));
    return [`${name} ${subject} ${shown(from)} -> ${shown(to)}`];
  });

const oneLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();

/** The message of a pin commit: its subject, a line for each image that changes, and its trailers. */
export const pinCommitMessage = (lane: Lane, changes: readonly PinChange[], { source, run }: PinTrailers): string => {
  const lines = changes.flatMap((change) => {
    const images = pinLines(change);
    return images.length > 0 ? images : [`${change.name} source of the same images`];
  });
  const trailers = [`${SOURCE_TRAILER}: ${source}`, ...(run === null ? [] : [`${RUN_TRAILER}: ${oneLine(run)}`])];
  return `ci(${lane}): pin processor images\n\n${lines.join('\n')}\n\n${trailers.join('\n')}\n`;
};

/** The trailers of a commit's message; null if it is no pin commit. Only the last paragraph counts, as in git. */
export const pinTrailers = (message: string): PinTrailers | null => {
  const last =
    message
      .trimEnd()
      .split(/\n[ \t]*\n/)
      .at(-1) ?? '';
  const valueOf = (name: string): string | null => {
    const line = last.split('\n').find((each) => each.startsWith(`${name}: `));
    return line === undefined ? null : line.slice(name.length + 2).trim();
  };
  const source = valueOf(SOURCE_TRAILER);
  return source !== null && /^[a-f0-9]{40}(?:[a-f0-9]{24})?$/.test(source) ? { source, run: valueOf(RUN_TRAILER) } : null;
};

/** The pins of one file in three places. */
export interface PinsOnTip {
  /** At the commit that was built. */
  readonly built: PinValues;
  /** In the working tree, as they were written after the build. */
  readonly ours: PinValues;
  /** At the tip of the branch. */
  readonly tip: PinValues;
  /** Whether the tip's pins say that they are of a source that came after the one that was built. */
  readonly tipIsNewer: boolean;
}

/**
 * Decides what becomes of a file's pins on the tip: `there` if it has them, `newer` if another run pinned a later source meanwhile, else they are written. Pins
 * are written though the tip has other source: they name the source they are of, so that they are seen to be stale there and the next pipeline builds.
 */
export const onTip = ({ built, ours, tip, tipIsNewer }: PinsOnTip): 'write' | 'there' | 'newer' => {
  if (samePins(ours, tip)) return 'there';
  return !samePins(built, tip) && tipIsNewer ? 'newer' : 'write';
};

const SOURCE = 'image.source.fingerprint';

/** Whether pins are another image of the very source that was pinned before. */
export const repinsSource = (before: PinValues, after: PinValues): boolean =>
  before[SOURCE] != null && before[SOURCE] === after[SOURCE] && !samePins(before, after);

/** Pins that are in one text and gone in the other; `pin` takes none away. */
export const lostPins = (before: PinValues, after: PinValues): string[] =>
  Object.keys(before).filter((path) => subjectOf(path) !== null && before[path] != null && after[path] == null);
