import type { DriftEntry } from '@pinlane/contracts';

/** What one tier says of the image: a digest, that there is none, or why nothing is known. */
export type TierValue = { readonly digest: string } | { readonly none: string } | { readonly unknown: string };

export interface Tier {
  readonly name: 'pinned' | 'configured' | 'serving';
  readonly value: TierValue;
}

const digestIn = (reference: string): string => reference.slice(reference.indexOf('@') + 1);

const known = (fact: { readonly known: true; readonly value: string | null } | { readonly known: false; readonly reason: string }, none: string): TierValue => {
  if (!fact.known) return { unknown: fact.reason };
  return fact.value === null ? { none } : { digest: fact.value };
};

/** The three tiers of an image, each for itself: what is pinned, what the control plane has configured, and what the app itself answers with. */
export const tiersOf = ({ pinned, observed, serving, ref }: DriftEntry): readonly [Tier, Tier, Tier] => [
  { name: 'pinned', value: pinned === null ? { none: ref === null ? 'by no registry.yaml' : 'nothing is' } : { digest: digestIn(pinned) } },
  { name: 'configured', value: observed === null ? { none: 'not looked at' } : known(observed.image, 'no image') },
  { name: 'serving', value: serving === null ? { none: 'not asked' } : known(serving, 'says no digest') },
];
