import { fail, type PinReport, type ProcessorSpec } from '@pinlane/contracts';
import { applyPins, parseSpec, pinReport, planPins, type PinFacts } from '@pinlane/pipeline';
import { replaceFile } from '../../workspace/replace-file.ts';
import type { SpecFile } from '../../workspace/spec-file.ts';
import { textDiff } from './text-diff.ts';

/** The image to pin, and why its digest changed. */
export interface Decision {
  readonly facts: PinFacts;
  readonly explanation: readonly string[];
}

/** Decides what to pin, given the pins that a spec has: some of them may stay. */
export type Decide = (spec: ProcessorSpec) => Promise<Decision>;

const edited = (file: string, text: string, before: ProcessorSpec, { facts }: Decision): { readonly text: string; readonly spec: ProcessorSpec } => {
  const after = applyPins(text, planPins(before, facts), { file });
  return { text: after, spec: after === text ? before : parseSpec(after, { file }).spec };
};

/** Tells what writing would change. */
export const previewPins = async ({ file, text, spec }: SpecFile, decide: Decide): Promise<{ report: PinReport; diff: string[] }> => {
  const decided = await decide(spec);
  const after = edited(file, text, spec, decided);
  const outcome = after.text === text ? 'unchanged' : 'would-pin';
  return { report: pinReport(spec, after.spec, { file, outcome, explanation: decided.explanation }), diff: textDiff(text, after.text) };
};

/** Writes the pins. @throws ERR_REGISTRY_CONFLICT, and what `decide` throws */
export const writePins = async (specFile: SpecFile, decide: Decide, locks: string, signal: AbortSignal): Promise<PinReport> => {
  const { file, path } = specFile;
  // The file is locked only while it is written: deciding reads images and takes its time. Most pins write nothing.
  const decided = await decide(specFile.spec);
  if (edited(file, specFile.text, specFile.spec, decided).text === specFile.text)
    return pinReport(specFile.spec, specFile.spec, { file, outcome: 'unchanged', explanation: decided.explanation });
  return replaceFile(
    path,
    file,
    locks,
    async (text) => {
      const same = text === specFile.text;
      const before = same ? specFile.spec : parseSpec(text, { file }).spec;
      if (before.ref !== specFile.spec.ref) fail('ERR_REGISTRY_CONFLICT', `the ref changed from ${specFile.spec.ref} to ${before.ref} meanwhile`, { file });
      // Another process that pinned meanwhile may have pinned the platform whose old pin was to stay.
      const now = same ? decided : await decide(before);
      const after = edited(file, text, before, now);
      const outcome = after.text === text ? 'unchanged' : 'pinned';
      return { text: after.text, value: pinReport(before, after.spec, { file, outcome, explanation: now.explanation }) };
    },
    signal,
  );
};
