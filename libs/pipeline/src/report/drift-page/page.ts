import type { DriftReport, DriftVerdict } from '@pinlane/contracts';
import type { DriftInShort } from '../drift-in-short.ts';
import { driftOverview, type DriftOverview, type DriftRow, type EnvironmentOverview } from '../drift-overview.ts';
import { renderDocument } from '../page/document.ts';
import { html, type Html } from '../page/html.ts';
import { ageText, chipsOf, headOf, keys, legendOf, nothingOf, panel, shapesOf, shareOf, toolbarOf } from '../page/parts.ts';
import { VERDICTS } from '../verdicts.ts';
import { SCRIPT, STYLE } from './assets.ts';
import { renderCell } from './cell.ts';

/** One shape for each verdict, so that no colour has to be told from another. All are drawn in 16 by 16. */
const SHAPES: Readonly<Record<DriftVerdict, Html>> = {
  'in-sync': html`<circle cx="8" cy="8" r="7" /><path class="cut" d="M4.6 8.3l2.3 2.3 4.5-4.8" />`,
  drifted: html`<path d="M8 1l7.4 13.4H.6z" /><path class="cut" d="M8 5.8v4M8 11.6v.6" />`,
  missing: html`<circle class="line" cx="8" cy="8" r="6.2" stroke-dasharray="3.2 2.2" />`,
  stopped: html`<rect x="1.6" y="1.6" width="12.8" height="12.8" rx="2" />`,
  orphan: html`<path d="M8 .6L15.4 8 8 15.4.6 8z" />`,
  unverifiable: html`<circle class="line" cx="8" cy="8" r="6.6" /><path class="line" d="M6 6.3c0-2.6 4.1-2.6 4.1-.1 0 1.6-2.1 1.6-2.1 3.2M8 11.4v.7" />`,
};

const many = (count: number, one: string, several: string): string => `${count} ${count === 1 ? one : several}`;

/** How many apps were not in sync, report by report: a bar each, the newest at the right. */
const trend = ({ reports }: EnvironmentOverview): Html | null => {
  const shown = reports.slice(-24);
  if (shown.length < 2) return null;
  const most = Math.max(1, ...shown.map(({ troubled }) => troubled));
  const bars = shown.map(({ troubled }, at) => {
    const height = troubled === 0 ? 1.5 : 3 + (troubled / most) * 17;
    return html`<rect
      class="${troubled > 0 && at === shown.length - 1 ? 'troubled' : 'calm'}"
      x="${at * 5}"
      y="${(20 - height).toFixed(1)}"
      width="3.5"
      height="${height.toFixed(1)}"
    />`;
  });
  const label = `Apps not in sync in the last ${shown.length} reports: ${shown.map(({ troubled }) => troubled).join(', ')}`;
  return html`<svg class="trend" role="img" aria-label="${label}" viewBox="0 0 ${shown.length * 5 - 1.5} 20" width="${shown.length * 5}" height="20">
    ${bars}
  </svg>`;
};

/** Who was asked, so that nobody takes for known what was not looked at. */
const askedText = ({ live, deep }: EnvironmentOverview): Html => {
  const flag = (name: string): Html => html`<span class="num">(--${name})</span>`;
  const apps = live ? 'The control plane and the apps were asked' : html`The control plane was asked, the apps were not ${flag('live')}`;
  return html`${apps}; published names were ${deep ? 'proven' : html`not proven ${flag('deep')}`}`;
};

const card = (environment: EnvironmentOverview, now: string): Html =>
  html`<section class="card is-${environment.verdict}" aria-label="${environment.environment}">
    <header>
      <h2>${environment.environment}</h2>
      <span class="on">on ${environment.adapter}, lane ${environment.lane}</span>${trend(environment)}
    </header>
    ${shareOf(VERDICTS, environment.counts)}
    <p class="asked">
      Looked at
      ${ageText(environment.at, now)}${
        environment.revision === null ? null : html`, pins of <code title="${environment.revision}">${environment.revision.slice(0, 8)}</code>`
      }.
      ${askedText(environment)}.
    </p>
  </section>`;

const labelOf = ({ environment, adapter }: EnvironmentOverview, all: readonly EnvironmentOverview[]): string =>
  all.filter((each) => each.environment === environment).length > 1 ? `${environment} on ${adapter}` : environment;

const renderRow = (
  { name, claimed, cells }: DriftRow,
  { at, labels, now }: { readonly at: number; readonly labels: readonly string[]; readonly now: string },
): Html => {
  const told = cells.find((cell) => cell !== null)?.entry;
  const without = claimed ? null : html`<span class="aside">${told?.verdict === 'orphan' ? 'no registry.yaml claims it' : 'could not be told'}</span>`;
  return html`<tr data-row="${at}">
    <th scope="row"><span class="name">${name}</span>${without}</th>
    ${cells.map((cell, column) => renderCell(cell, { column, label: labels[column] as string, now }))}
  </tr> `;
};

const table = ({ environments, rows }: DriftOverview, now: string): Html => {
  const labels = environments.map((each) => labelOf(each, environments));
  const head = labels.map((label) => html`<th scope="col">${label}</th>`);
  return html`<table id="drift" class="columns-${environments.length}" aria-describedby="keys">
      <caption class="unseen">
        Processors and environments: what is pinned, configured and serving
      </caption>
      <thead>
        <tr>
          <th scope="col">Processor</th>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${rows.map((row, at) => renderRow(row, { at, labels, now }))}
      </tbody>
    </table>
    ${nothingOf('name, digests, people or messages')}`;
};

/** The page in one line, in which doubt is not taken for drift. */
const headline = ({ rows, counts, environments }: DriftOverview): string => {
  if (environments.length === 0) return 'There is no report yet';
  if (rows.length === 0) return 'Nothing should run, and nothing does';
  const { 'in-sync': _inSync, unverifiable, ...differing } = counts;
  const wrong = Object.values(differing).reduce((sum, count) => sum + count, 0);
  const told = [wrong > 0 ? `${many(wrong, 'app is', 'apps are')} not as pinned` : '', unverifiable > 0 ? `${unverifiable} could not be told` : ''];
  return told.filter((text) => text !== '').join(', ') || 'What is pinned is what runs';
};

/**
 * A page on which a person sees what runs where: processors by environments, with details and history. It is one file that needs no network, shows its table
 * without a script, and takes every text in the reports for nothing but text.
 * @param reports of any environments, in any order; the newest of each is its state, earlier ones are its history
 * @param earlier reports of which no more is known than the history takes, older than the newest of their environment
 * @param now when the page is made: ages are as of then
 * @param lanes the page of lanes, relative to this one; null if there is none
 */
export const renderDriftPage = ({
  reports,
  earlier = [],
  now,
  lanes = null,
}: {
  readonly reports: readonly DriftReport[];
  readonly earlier?: readonly DriftInShort[];
  readonly now: Date;
  readonly lanes?: string | null;
}): string => {
  const overview = driftOverview(reports, earlier);
  const made = now.toISOString();
  const chips = chipsOf(VERDICTS, overview.counts, 'Apps by verdict');
  const link = lanes === null ? null : { href: lanes, name: 'lanes' };
  const body = html`${shapesOf(SHAPES)} ${headOf('drift', { headline: headline(overview), made, chips, link })}
    <main>
      <div class="cards">${overview.environments.map((each) => card(each, made))}</div>
      ${toolbarOf('name, digest, person or message')} ${table(overview, made)} ${keys} ${legendOf(VERDICTS)}
    </main>
    ${panel}`;
  return renderDocument({ title: `Drift: ${headline(overview)}`, style: STYLE, script: SCRIPT, data: { now: made, ...overview }, body });
};
