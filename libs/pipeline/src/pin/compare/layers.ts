import type { Digest } from '@pinlane/contracts';

/** A layer of the pinned image and the one of the built image that stands for it, by their positions; null if there is none. */
export interface LayerPair {
  readonly pinned: number | null;
  readonly built: number | null;
}

/** The lengths of the longest common subsequences of what follows each pair of positions. */
const commonLengths = (pinned: readonly Digest[], built: readonly Digest[]): readonly Uint16Array[] => {
  const lengths = Array.from({ length: pinned.length + 1 }, () => new Uint16Array(built.length + 1));
  for (let p = pinned.length - 1; p >= 0; p -= 1)
    for (let b = built.length - 1; b >= 0; b -= 1)
      lengths[p]![b] = pinned[p] === built[b] ? lengths[p + 1]![b + 1]! + 1 : Math.max(lengths[p + 1]![b]!, lengths[p]![b + 1]!);
  return lengths;
};

/**
 * Pairs the layers of two images, by the digests of their tars: equal ones with each other, as many as their order allows; those between, which differ, in the
 * order in which they come. One image has few layers, the other as many as a manifest lists.
 */
export const pairLayers = (pinned: readonly Digest[], built: readonly Digest[]): LayerPair[] => {
  const lengths = commonLengths(pinned, built);
  const pairs: LayerPair[] = [];
  let [p, b, fromPinned, fromBuilt] = [0, 0, 0, 0];
  const close = (): void => {
    for (; fromPinned < p || fromBuilt < b; fromPinned += 1, fromBuilt += 1)
      pairs.push({ pinned: fromPinned < p ? fromPinned : null, built: fromBuilt < b ? fromBuilt : null });
    [fromPinned, fromBuilt] = [p, b];
  };
  while (p < pinned.length && b < built.length) {
    if (pinned[p] === built[b]) {
      close();
      pairs.push({ pinned: p, built: b });
      [p, b] = [p + 1, b + 1];
      [fromPinned, fromBuilt] = [p, b];
    } else if (lengths[p + 1]![b]! >= lengths[p]![b + 1]!) p += 1;
    else b += 1;
  }
  [p, b] = [pinned.length, built.length];
  close();
  return pairs;
};
