import type { Clone } from '@pinlane/adapters';
import { pinValues, samePins, type MergeSide, type PinFileName, type PinOrder, type PinValues, type ThreePins } from '@pinlane/pipeline';

const REVISION = 'image.source.revision';

/** The commit that is merged into the one that is checked out: git names each head in a variable. Null in a rebase, a cherry-pick, and a merge of several. */
const otherHead = (env: Readonly<Record<string, string | undefined>>): string | null => {
  const heads = Object.keys(env).flatMap((name) => /^GITHEAD_([a-f0-9]{40}(?:[a-f0-9]{24})?)$/.exec(name)?.[1] ?? []);
  return heads.length === 1 ? heads[0]! : null;
};

const pinsAt = async (commit: string, path: string, kind: PinFileName, clone: Clone): Promise<PinValues | null> => {
  try {
    const stored = await clone.fileOf(commit, path);
    const text = stored && (await clone.text(stored.blob));
    return text === null ? null : pinValues(text, path, kind);
  } catch {
    // A version that nobody can read pins nothing that could be compared.
    return null;
  }
};

/** Whether the branch of one head had pins since it parted from the other. */
const had = async (pins: PinValues, [head, other]: readonly [string, string], path: string, kind: PinFileName, clone: Clone): Promise<boolean> => {
  for (const commit of await clone.changing(other, head, path)) {
    const then = await pinsAt(commit, path, kind, clone);
    if (then !== null && samePins(then, pins)) return true;
  }
  return false;
};

/** The side whose branch had the other's pins and replaced them; null if neither or both did, or the two heads are not known. */
const replacedBy = async (
  pins: ThreePins,
  path: string,
  kind: PinFileName,
  env: Readonly<Record<string, string | undefined>>,
  clone: Clone,
): Promise<MergeSide | null> => {
  const theirHead = otherHead(env);
  if (theirHead === null) return null;
  const ourHead = await clone.head();
  const [ours, theirs] = [await pinsAt(ourHead, path, kind, clone), await pinsAt(theirHead, path, kind, clone)];
  // In the merge of several ancestors the texts are not those of the heads.
  if (ours === null || theirs === null || !samePins(ours, pins.ours) || !samePins(theirs, pins.theirs)) return null;
  const [byThem, byUs] = [await had(pins.ours, [theirHead, ourHead], path, kind, clone), await had(pins.theirs, [ourHead, theirHead], path, kind, clone)];
  return byThem === byUs ? null : byThem ? 'theirs' : 'ours';
};

/** The side whose pinned source descends from the other's; null if neither does, or this clone does not know. */
const descendant = async ({ ours, theirs }: ThreePins, clone: Clone): Promise<MergeSide | null> => {
  const [a, b] = [ours[REVISION], theirs[REVISION]];
  if (a == null || b == null || a === b) return null;
  if (await clone.isAncestor(a, b)) return 'theirs';
  return (await clone.isAncestor(b, a)) ? 'ours' : null;
};

/** Finds out from the history of the clone, and from no clock, how the pins of two sides lie to each other. */
export const pinOrder = async (
  pins: ThreePins,
  path: string,
  kind: PinFileName,
  env: Readonly<Record<string, string | undefined>>,
  clone: Clone,
): Promise<PinOrder> => ({
  replaced: await replacedBy(pins, path, kind, env, clone),
  descends: await descendant(pins, clone),
});
