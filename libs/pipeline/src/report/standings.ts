import type { LaneStanding } from '@pinlane/contracts';

/** How a standing is told: in a word, and what that means; those first that ask most of a reader. This imports no code, so that a page's script can have it, too. */
export const STANDINGS: Readonly<Record<LaneStanding, { readonly word: string; readonly meaning: string }>> = {
  differs: { word: 'Differs', meaning: 'a report says that something else is deployed than what is pinned' },
  rejected: { word: 'Rejected', meaning: 'acceptance did not pass on what is pinned' },
  waiting: { word: 'Waiting', meaning: 'main does not pin it yet' },
  unpinned: { word: 'Unpinned', meaning: 'nothing is pinned' },
  unknown: { word: 'Not known', meaning: 'no report here tells of acceptance, or of what is deployed' },
  settled: { word: 'Settled', meaning: 'it is pinned, accepted, and deployed where the lane deploys' },
};
