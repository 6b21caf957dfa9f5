import type { DriftVerdict } from '@pinlane/contracts';

/** How a verdict is told: in a word, and what that means. This imports no code, so that a page's script can have it, too. */
export const VERDICTS: Readonly<Record<DriftVerdict, { readonly word: string; readonly meaning: string }>> = {
  drifted: { word: 'Drifted', meaning: 'something else runs than what is pinned, or otherwise' },
  missing: { word: 'Missing', meaning: 'a pin says that it should run, and there is no such app' },
  stopped: { word: 'Stopped', meaning: 'the app was stopped' },
  orphan: { word: 'Orphan', meaning: 'it runs, and no registry.yaml claims it' },
  unverifiable: { word: 'Unverifiable', meaning: 'it could not be told' },
  'in-sync': { word: 'In sync', meaning: 'what is pinned is what runs' },
};

/** The verdicts, those first that ask most of a reader. */
export const BY_WEIGHT = Object.keys(VERDICTS) as readonly DriftVerdict[];
