import type { DriftEntry, DriftVerdict } from '@pinlane/contracts';
import type { DriftCell } from '../drift-overview.ts';
import { messageOf } from '../message.ts';
import { html, type Html } from '../page/html.ts';
import { ageText, badgeOf, digestCode } from '../page/parts.ts';
import { VERDICTS } from '../verdicts.ts';
import { tiersOf, type Tier } from './tiers.ts';

/** A verdict by its shape, its colour and in a word. */
const badge = (verdict: DriftVerdict): Html => badgeOf(verdict, VERDICTS[verdict].word);

/** The value of a tier: a digest in short with the whole at hand, or what is said instead of one. */
const valueOf = ({ value }: Tier, differs: boolean): Html => {
  if ('digest' in value) return digestCode(value.digest, differs);
  return 'none' in value ? html`<span class="none">${value.none}</span>` : html`<span class="none doubt" title="${value.unknown}">not known</span>`;
};

const sameValue = (a: Tier, b: Tier): boolean => 'digest' in a.value && 'digest' in b.value && a.value.digest === b.value.digest;

/** The tiers with the same digest stand together, so that a cell in sync is one line, and one that differs shows what does. */
const together = (tiers: readonly Tier[]): Tier[][] => {
  const groups: Tier[][] = [];
  for (const tier of tiers) {
    const group = groups.find(([first]) => sameValue(first as Tier, tier));
    if (group) group.push(tier);
    else groups.push([tier]);
  }
  return groups;
};

const factOf = <T>(fact: { readonly known: true; readonly value: T } | { readonly known: false } | undefined): T | null => (fact?.known ? fact.value : null);

/** Since when, and by whom: of what differs where something does, else of what runs. */
const metaOf = ({ since, by, observed }: DriftEntry, now: string): Html => {
  const at = since ?? factOf(observed?.deployedAt);
  const who = by ?? factOf(observed?.deployedBy);
  const version = factOf(observed?.version);
  return html`<span class="meta"
    >${version === null ? null : html`<span class="num">v${version}</span> `}${
      at === null ? null : html`<span class="num">${ageText(at, now)}</span> `
    }${who === null ? null : html`<span class="who" title="${`by ${who}`}">by ${who}</span>`}</span
  >`;
};

/** The cell of one app in one environment. @param label of its environment, which stands in the cell where columns are stacked */
export const renderCell = (cell: DriftCell | null, { column, label, now }: { readonly column: number; readonly label: string; readonly now: string }): Html => {
  const place = html`<span class="place" aria-hidden="true">${label}</span>`;
  if (cell === null) return html`<td class="empty" data-column="${column}">${place}<span class="none">not in its report</span></td>`;
  const { entry } = cell;
  const tiers = together(tiersOf(entry)).map(
    (group, at) => html`<span class="tier"><span class="names">${group.map(({ name }) => name).join(', ')}</span> ${valueOf(group[0] as Tier, at > 0)}</span>`,
  );
  return html`<td class="cell v-${entry.verdict}" data-verdict="${entry.verdict}" data-column="${column}">
    ${place}<span class="top">${badge(entry.verdict)}${metaOf(entry, now)}</span
    ><span class="tiers">${tiers}</span>${entry.verdict === 'in-sync' ? null : html`<span class="message">${messageOf(entry)}</span>`}
  </td>`;
};
