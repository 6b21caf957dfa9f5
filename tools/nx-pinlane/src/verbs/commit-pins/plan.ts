import { posix } from 'node:path';
import type { Clone, TreeFile } from '@pinlane/adapters';
import { asPinlaneError, fail } from '@pinlane/contracts';
import { differInPinsOnly, onTip, parseSpec, pinValues, withPinValues, type PinChange } from '@pinlane/pipeline';
import type { WrittenPins } from './gather.ts';

/** What is to be committed on a tip. */
export interface TipPlan {
  readonly writes: readonly (PinChange & {
    readonly stored: TreeFile;
    readonly before: PinChange['before'];
    readonly tipText: string;
    readonly text: string;
    readonly written: WrittenPins;
  })[];
  readonly leftOut: readonly { readonly file: string; readonly name: string; readonly reason: string }[];
}

type Decided = TipPlan['writes'][number] | { readonly reason: string } | 'there';

/** Whether the tip asks for the very base that was built. */
const isSameBase = async ({ path, builtText, file, kind }: WrittenPins, tipText: string, tip: string, revision: string, clone: Clone): Promise<boolean> => {
  const lock = posix.join(posix.dirname(path), 'base.lock.json');
  const [before, after] = [await clone.fileOf(revision, lock), await clone.fileOf(tip, lock)];
  return before?.blob === after?.blob && differInPinsOnly(builtText, tipText, file, kind);
};

const decide = async (written: WrittenPins, tip: string, revision: string, clone: Clone): Promise<Decided> => {
  const { path, file, kind, name, built, ours } = written;
  const stored = await clone.fileOf(tip, path);
  if (stored === null) return { reason: 'the branch has no such file any more' };
  const tipText = await clone.text(stored.blob);
  if (tipText === null) return { reason: 'the file is no longer UTF-8 there' };
  const before = pinValues(tipText, file, kind);
  if (kind === 'registry.yaml' && parseSpec(tipText, { file }).spec.ref !== name) return { reason: 'it is of another processor there' };
  if (kind === 'base.yaml' && !(await isSameBase(written, tipText, tip, revision, clone))) return { reason: 'another base is asked for there' };
  const source = before['image.source.revision'];
  const tipIsNewer = kind === 'base.yaml' || (source != null && source !== revision && (await clone.isAncestor(revision, source)));
  const verdict = onTip({ built, ours, tip: before, tipIsNewer });
  if (verdict === 'there') return 'there';
  if (verdict === 'newer') return { reason: 'a later source was pinned there meanwhile' };
  return { file, name, before, after: ours, stored, tipText, text: withPinValues(tipText, ours, file, kind), written };
};

/**
 * Decides anew on a tip what of the pins is written there: each file's edits are made in the text that the tip has. What can't be written there is left out,
 * with the reason, because it is not what was built: the push that changed it has a pipeline of its own.
 */
export const planOnTip = async (all: readonly WrittenPins[], tip: string, revision: string, clone: Clone): Promise<TipPlan> => {
  const writes: TipPlan['writes'][number][] = [];
  const leftOut: TipPlan['leftOut'][number][] = [];
  for (const written of all) {
    const { file, name } = written;
    const decided = await decide(written, tip, revision, clone).catch((thrown: unknown) => {
      const error = asPinlaneError(thrown);
      if (!error.code.startsWith('ERR_REGISTRY_')) throw thrown;
      return { reason: error.problems[0]?.message ?? '' };
    });
    if (decided === 'there') continue;
    if ('reason' in decided) leftOut.push({ file, name, reason: decided.reason });
    else writes.push(decided);
  }
  return { writes, leftOut };
};

/** Makes sure of what a commit changes, by its diff: the files that were planned, their modes as they were, and in each nothing but pins. @throws ERR_PIN_COMMIT_DIRTY */
export const proveCommit = async (tip: string, commit: string, { writes }: TipPlan, clone: Clone): Promise<void> => {
  const differences = await clone.differences(tip, commit);
  for (const { status, modeBefore, modeAfter, path } of differences) {
    const planned = writes.find(({ stored }) => stored.path === path);
    const stored = planned && (await clone.fileOf(commit, path));
    const text = stored && (await clone.text(stored.blob));
    const isProven =
      planned !== undefined &&
      status === 'M' &&
      modeBefore === modeAfter &&
      text === planned.text &&
      differInPinsOnly(planned.tipText, planned.text, planned.file, planned.written.kind);
    if (!isProven) fail('ERR_PIN_COMMIT_DIRTY', `the pin commit would change more than pins: ${status} ${path}`);
  }
  if (differences.length !== writes.length)
    fail('ERR_PIN_COMMIT_DIRTY', `the pin commit would change ${differences.length} files, and ${writes.length} have pins`);
};
