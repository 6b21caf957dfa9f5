import { samePins, type PinValues } from './pin-values.ts';

/** One side of a merge. */
export type MergeSide = 'ours' | 'theirs';

/** How the pins of two sides lie to each other in history; each null if nobody can tell. Clocks are no part of it. */
export interface PinOrder {
  /** The side whose branch had the other's pins and replaced them. */
  readonly replaced: MergeSide | null;
  /** The side whose pinned source descends from the other's (`image.source.revision`). */
  readonly descends: MergeSide | null;
}

/** The pins of a file in the common ancestor and on both sides. */
export interface ThreePins {
  readonly base: PinValues;
  readonly ours: PinValues;
  readonly theirs: PinValues;
}

/** The side whose pins need no decision, because the other has the same, or did not change its own; null if both changed them, and differently. */
export const settledSide = ({ base, ours, theirs }: ThreePins): MergeSide | null => {
  if (samePins(ours, theirs) || samePins(base, theirs)) return 'ours';
  return samePins(base, ours) ? 'theirs' : null;
};

/**
 * The side whose pins a merge takes, all of them or none, because those of one file belong together; null if a person has to decide.
 *
 * - If one side changed them, or both alike, that settles it.
 * - Else the newer pin commit wins: that of the branch which had the other's pins and replaced them, be it by a revert.
 * - If neither or both did, the one whose source descends from the other's. Nothing else makes a pin newer; no date is looked at.
 */
export const mergedSide = (pins: ThreePins, { replaced, descends }: PinOrder): MergeSide | null => settledSide(pins) ?? replaced ?? descends;
