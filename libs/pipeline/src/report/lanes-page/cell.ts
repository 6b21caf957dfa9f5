import { ARCHITECTURES, type Architecture, type LaneCell, type ToldLane } from '@pinlane/contracts';
import { acceptedText, digestIn, remarksOf } from '../lane-words.ts';
import { html, type Html } from '../page/html.ts';
import { ageText, badgeOf, digestCode } from '../page/parts.ts';
import { STANDINGS } from '../standings.ts';

const tier = (names: string, value: Html): Html => html`<span class="tier"><span class="names">${names}</span> ${value}</span>`;

const deployedDigest = ({ deployed }: LaneCell): string | null => (deployed?.known === true ? deployed.value.digest : null);

/** What is so of a platform's digest: `amd64, accepted in staging, deployed`. */
const namesOf = (cell: LaneCell, platform: Architecture, digest: string): string =>
  [platform, acceptedText(cell, platform), deployedDigest(cell) === digest ? 'deployed' : ''].filter((text) => text !== '').join(', ');

/** The pinned digest of each platform with all that is so of it, and what is deployed where that is another one. */
const tiersOf = (cell: LaneCell): Html[] => {
  const { pins } = cell;
  const pinned = ARCHITECTURES.flatMap((each) => (pins[each] === undefined ? [] : [[each, digestIn(pins[each])] as const]));
  const found = deployedDigest(cell);
  const other = found !== null && !Object.values(pins).some((pin) => digestIn(pin) === found);
  return [
    ...pinned.map(([platform, digest]) => tier(namesOf(cell, platform, digest), digestCode(digest))),
    ...(other ? [tier('deployed', digestCode(found, true))] : []),
  ];
};

/** Since when, and by whom. */
const metaOf = ({ since }: LaneCell, now: string): Html | null => {
  if (since?.known !== true) return null;
  const { at, by } = since.value;
  return html`<span class="meta"
    >${at === null ? null : html`<span class="num">${ageText(at, now)}</span> `}<span class="who" title="${`by ${by}`}">by ${by}</span></span
  >`;
};

/** The cell of a processor in a lane. */
export const renderCell = (cell: LaneCell | null, { column, lane, now }: { readonly column: number; readonly lane: ToldLane; readonly now: string }): Html => {
  const place = html`<span class="place" aria-hidden="true">${lane.lane}</span>`;
  if (cell === null)
    return html`<td class="empty" data-column="${column}">
      ${place}<span class="none">${lane.tip.known ? 'not in this branch' : 'branch not known here'}</span>
    </td>`;
  const remarks = cell.standing === 'settled' ? [] : remarksOf(cell);
  return html`<td class="cell v-${cell.standing}" data-verdict="${cell.standing}" data-column="${column}">
    ${place}<span class="top">${badgeOf(cell.standing, STANDINGS[cell.standing].word)}${metaOf(cell, now)}</span
    ><span class="tiers">${tiersOf(cell)}</span>${remarks.length === 0 ? null : html`<span class="message">${remarks.join('; ')}</span>`}
  </td>`;
};
