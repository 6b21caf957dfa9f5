import { LANE_STANDINGS, type LaneRow, type LanesReport, type LaneStanding, type ToldLane } from '@pinlane/contracts';
import { short, waitingText } from '../lane-words.ts';
import { renderDocument } from '../page/document.ts';
import { html, type Html } from '../page/html.ts';
import { ageText, chipsOf, headOf, keys, legendOf, nothingOf, panel, shapesOf, shareOf, toolbarOf } from '../page/parts.ts';
import { STANDINGS } from '../standings.ts';
import { SCRIPT, STYLE } from './assets.ts';
import { renderCell } from './cell.ts';
import { renderWaiting } from './waiting.ts';

/** One shape for each standing. */
const SHAPES: Readonly<Record<LaneStanding, Html>> = {
  differs: html`<path d="M8 1l7.4 13.4H.6z" /><path class="cut" d="M8 5.8v4M8 11.6v.6" />`,
  rejected: html`<circle cx="8" cy="8" r="7" /><path class="cut" d="M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2" />`,
  waiting: html`<path d="M2 1.5h7L15.4 8 9 14.5H2L8 8z" />`,
  unpinned: html`<circle class="line" cx="8" cy="8" r="6.2" stroke-dasharray="3.2 2.2" />`,
  unknown: html`<circle class="line" cx="8" cy="8" r="6.6" /><path class="line" d="M6 6.3c0-2.6 4.1-2.6 4.1-.1 0 1.6-2.1 1.6-2.1 3.2M8 11.4v.7" />`,
  settled: html`<circle cx="8" cy="8" r="7" /><path class="cut" d="M4.6 8.3l2.3 2.3 4.5-4.8" />`,
};

type Counts = Readonly<Record<LaneStanding, number>>;

const countsOf = (cells: readonly LaneRow['cells'][number][]): Counts => {
  const counts = Object.fromEntries(LANE_STANDINGS.map((standing) => [standing, 0])) as Record<LaneStanding, number>;
  for (const cell of cells) if (cell !== null) counts[cell.standing] += 1;
  return counts;
};

const deploysText = ({ deploysTo }: ToldLane): string => (deploysTo === null ? 'deploys nothing' : `deploys to ${deploysTo}`);

const card = (lane: ToldLane, { rows, at }: LanesReport, column: number): Html => {
  const { tip, ref, partial } = lane;
  const where = tip.known
    ? html`<code title="${ref}">${ref.replace(/^refs\/(?:remotes|heads)\//, '')}</code> at
        <code title="${tip.value.commit}" data-copy="${tip.value.commit}">${short(tip.value.commit)}</code>${
          tip.value.at === null ? null : html`, ${ageText(tip.value.at, at)}`
        }
        by ${tip.value.by}.`
    : html`Not known here: ${tip.reason}`;
  return html`<section class="card" aria-label="${lane.lane}">
    <header>
      <h2>${lane.lane}</h2>
      <span class="on">${deploysText(lane)}</span>
    </header>
    ${shareOf(STANDINGS, countsOf(rows.map(({ cells }) => cells[column] ?? null)))}
    <p class="asked">${where}${partial === null ? null : html` <strong>In part: ${partial}</strong>`}</p>
  </section>`;
};

const table = ({ lanes, rows, at }: LanesReport): Html =>
  html`<table id="lanes" class="columns-${lanes.length}" aria-describedby="keys">
      <caption class="unseen">
        Processors and lanes: what is pinned, accepted and deployed
      </caption>
      <thead>
        <tr>
          <th scope="col">Processor</th>
          ${lanes.map(({ lane }) => html`<th scope="col">${lane}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ name, ref, cells }, row) =>
            html`<tr data-row="${row}">
              <th scope="row"><span class="name">${name}</span>${ref === null ? html`<span class="aside">its ref can't be told</span>` : null}</th>
              ${cells.map((cell, column) => renderCell(cell, { column, lane: lanes[column] as ToldLane, now: at }))}
            </tr> `,
        )}
      </tbody>
    </table>
    ${nothingOf('name, digests, people or messages')}`;

/**
 * A page on which a person sees which digest is pinned, accepted and deployed in which lane, since which commit, and what waits for main. It is one file that
 * needs no network, shows its table without a script, and takes every text of commits, branches and reports for nothing but text.
 * @param drift the page of drift, relative to this one; null if there is none
 */
export const renderLanesPage = ({ report, drift }: { readonly report: LanesReport; readonly drift: string | null }): string => {
  const headline = waitingText(report);
  const chips = chipsOf(STANDINGS, countsOf(report.rows.flatMap(({ cells }) => cells)), 'Pins by standing');
  const link = drift === null ? null : { href: drift, name: 'drift' };
  const body = html`${shapesOf(SHAPES)} ${headOf('lanes', { headline, made: report.at, chips, link })}
    <main>
      <div class="cards">${report.lanes.map((lane, column) => card(lane, report, column))}</div>
      ${renderWaiting(report)} ${toolbarOf('name, digest, person or message')} ${table(report)} ${keys} ${legendOf(STANDINGS)}
    </main>
    ${panel}`;
  return renderDocument({ title: `Lanes: ${headline}`, style: STYLE, script: SCRIPT, data: report, body });
};
