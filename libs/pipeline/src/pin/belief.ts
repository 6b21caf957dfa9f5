import { formatRepository, isStoreReference, laneRules, type Digest, type Lane, type PinnedReference, type ProcessorSpec } from '@pinlane/contracts';
import { indexPinOf, pinsOf } from './pinned.ts';

/** What decides whether pins may answer for a source. */
export interface BeliefFacts {
  readonly lane: Lane;
  readonly fingerprint: Digest;
  /** Whether the image is to be pushed. */
  readonly push: boolean;
  /** The processor's own repository, or that of the lane's registry in its place. */
  readonly published: string;
}

/** The pinned index that may answer for a source; or why no pin may, where somebody could wonder. */
export type Belief = { readonly index: PinnedReference } | { readonly reason: string | null };

/**
 * Decides whether the pins of a spec may answer for a source, so that nothing has to be built if their images bear them out. Pins of another source may
 * not. A lane that builds fresh believes none. They are believed in one place only: the processor's own repository, because whoever may push elsewhere may
 * have made the image; or the store, if the lane takes pins of it and nothing is to be pushed.
 */
export const beliefIn = (spec: ProcessorSpec, { lane, fingerprint, push, published }: BeliefFacts): Belief => {
  const index = indexPinOf(spec);
  if (laneRules(lane).fresh || index === null || spec.image?.source?.fingerprint !== fingerprint) return { reason: null };
  const repositories = new Set([index, ...Object.values(pinsOf(spec))].map(formatRepository));
  if (repositories.size > 1) return { reason: `the pins name several repositories: ${[...repositories].join(', ')}` };
  const inStore = isStoreReference(index);
  if (inStore) return push || !laneRules(lane).acceptsStorePins ? { reason: null } : { index };
  const [repository] = repositories;
  return repository === published ? { index } : { reason: `the pins name ${repository}, and the processor's own repository is ${published}` };
};
