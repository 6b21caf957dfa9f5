import { readFile, writeFile } from 'node:fs/promises';
import { mergeTexts, openClone, type Clone, type ThreeTexts } from '@pinlane/adapters';
import { EXIT, fail, isPinlaneError } from '@pinlane/contracts';
import { mergedSide, pinFileName, pinValues, samePins, settledSide, withPinValues, type MergeSide, type PinFileName, type PinValues } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import type { MergePinsOptions, PinMerge } from './options.ts';
import { pinOrder } from './order.ts';
import { register } from './register.ts';

type Env = VerbContext['env'];

interface Merged {
  readonly text: string;
  readonly conflicts: boolean;
  readonly pins: MergeSide | null;
}

/** Does something with a text of a file with pins; null if the text is none: a person's conflict is no reason to fail. */
const ifReadable = <T>(work: () => T): T | null => {
  try {
    return work();
  } catch (thrown) {
    if (isPinlaneError(thrown)) return null;
    throw thrown;
  }
};

/** The three texts with the same pins, so that these are no conflict; null if one of the sides can't be written. */
const withSamePins = ({ base, ours, theirs }: ThreeTexts, pins: PinValues, path: string, kind: PinFileName): ThreeTexts | null =>
  ifReadable(() => ({
    base: ifReadable(() => withPinValues(base, pins, path, kind)) ?? base,
    ours: withPinValues(ours, pins, path, kind),
    theirs: withPinValues(theirs, pins, path, kind),
  }));

const merge = async (texts: ThreeTexts, path: string, markerSize: number, { root, env }: { root: string; env: Env }, clone: Clone): Promise<Merged> => {
  const kind = pinFileName(path);
  const asText = async (): Promise<Merged> => ({ ...(await mergeTexts(root, texts, markerSize)), pins: null });
  const read = (text: string) => ifReadable(() => pinValues(text, path, kind!));
  const [ours, theirs] = kind === null ? [null, null] : [read(texts.ours), read(texts.theirs)];
  if (kind === null || ours === null || theirs === null) return asText();
  const pins = { base: read(texts.base) ?? {}, ours, theirs };
  const side = mergedSide(pins, settledSide(pins) === null ? await pinOrder(pins, path, kind, env, clone) : { replaced: null, descends: null });
  const chosen = pins[side ?? 'ours'];
  const level = withSamePins(texts, chosen, path, kind);
  if (side === null) {
    const plain = await asText();
    // Lines that do not touch would be put together from both sides; then ours stay, and it is a conflict all the same.
    return plain.conflicts || level === null ? { ...plain, conflicts: true } : { ...(await mergeTexts(root, level, markerSize)), conflicts: true, pins: null };
  }
  if (level === null) return asText();
  const merged = await mergeTexts(root, level, markerSize);
  if (merged.conflicts) return { ...merged, pins: side };
  const after = read(merged.text);
  return after !== null && samePins(after, chosen) ? { ...merged, pins: side } : { ...(await asText()), conflicts: true };
};

/**
 * Git's merge driver of files with pins: the pins of one side, all of them, those of the newer pin commit; everything else is merged as text, and what both
 * sides changed is left to a person, between git's markers. Without files it registers itself.
 * @throws ERR_OPTION_INVALID, ERR_GIT_UNUSABLE
 */
export const mergePins = async (options: MergePinsOptions, { root, env, signal }: VerbContext): Promise<VerbOutcome<PinMerge>> => {
  const { base, ours, theirs, path, markerSize } = options;
  const clone = openClone({ folder: root, remote: 'origin', env, signal });
  const document = (merged: Pick<PinMerge, 'path' | 'pins' | 'conflicts'>): PinMerge => ({ kind: 'PinMerge', schemaVersion: 1, ...merged });
  if ([base, ours, theirs, path].every((each) => each === undefined))
    return { document: document({ path: null, pins: null, conflicts: false }), lines: await register(root, clone), exitCode: EXIT.good };
  if (base === undefined || ours === undefined || theirs === undefined || path === undefined)
    return fail('ERR_OPTION_INVALID', 'a merge driver is given --base, --ours, --theirs and --path');
  const [baseText, oursText, theirsText] = (await Promise.all([base, ours, theirs].map((file) => readFile(file, 'utf8')))) as [string, string, string];
  const { text, conflicts, pins } = await merge({ base: baseText, ours: oursText, theirs: theirsText }, path, markerSize, { root, env }, clone);
  await writeFile(ours, text);
  const said = pins === null ? 'the pins are left to you' : `the pins are ${pins === 'ours' ? 'ours' : 'theirs'}`;
  return {
    document: document({ path, pins, conflicts }),
    lines: [`${path}: ${said}${conflicts ? '; resolve what is left' : ''}`],
    exitCode: conflicts ? EXIT.verdict : EXIT.good,
  };
};
