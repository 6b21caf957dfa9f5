import { platformOf, type LanesReport, type Waiting } from '@pinlane/contracts';
import { digestIn, short } from '../lane-words.ts';
import { html, type Html } from '../page/html.ts';
import { ageText, digestCode } from '../page/parts.ts';

/** So many commits are shown. */
const COMMITS_AT_MOST = 50;
/** So many of a list are shown before it is opened. */
const OPEN_AT_MOST = 8;

type Pin = Waiting['pins'][number];

const pinText = (reference: string | null, differs: boolean): Html =>
  reference === null ? html`<span class="none">none</span>` : digestCode(digestIn(reference), differs);

const pinRow = ({ name, pin, main, staging }: Pin): Html =>
  html`<li>
    <span class="what"><b>${name}</b> <span class="none">${pin === 'index' ? 'index' : platformOf(pin)}</span></span
    ><span class="change"
      >${pinText(main, false)} <span class="to" aria-hidden="true">→</span><span class="unseen">becomes</span>
      <span class="into">${pinText(staging, true)}</span></span
    >
  </li>`;

/** An index moves with its platforms, and says nothing more; alone it is told. */
const worthTelling = (pins: readonly Pin[]): Pin[] =>
  pins.filter(({ name, pin }) => pin !== 'index' || !pins.some((other) => other.name === name && other.pin !== 'index'));

const commitRow = ({ commit, at, by, subject }: Waiting['commits'][number], now: string): Html =>
  html`<li>
    <code title="${commit}" data-copy="${commit}">${short(commit)}</code> <span class="subject">${subject}</span>
    <span class="who" title="${`by ${by}`}">${by}</span>${at === null ? null : html` <span class="num">${ageText(at, now)}</span>`}
  </li>`;

const listed = (heading: string, items: readonly Html[], none: string): Html =>
  html`<div>
    <h3>${heading}</h3>
    ${
      items.length === 0
        ? html`<p class="none">${none}</p>`
        : html`<ul>
            ${items.slice(0, OPEN_AT_MOST)}
          </ul>`
    }${
      items.length <= OPEN_AT_MOST
        ? null
        : html`<details>
            <summary>${items.length - OPEN_AT_MOST} more</summary>
            <ul>
              ${items.slice(OPEN_AT_MOST)}
            </ul>
          </details>`
    }
  </div>`;

/** What staging has and main does not: pins, and commits. */
export const renderWaiting = ({ waiting, at }: LanesReport): Html => {
  const head = html`<h2>Between staging and main</h2>`;
  if (!waiting.known)
    return html`<section class="waiting" aria-label="Between staging and main">
      ${head}
      <p class="none">Not known here: ${waiting.reason}</p>
    </section>`;
  const { pins, commits, more } = waiting.value;
  const shown = commits.slice(0, COMMITS_AT_MOST).map((commit) => commitRow(commit, at));
  const left = commits.length + more - shown.length;
  return html`<section class="waiting" aria-label="Between staging and main">
    ${head}
    <div class="both">
      ${listed('Pins that differ, main to staging', worthTelling(pins).map(pinRow), 'Both pin the same.')}
      ${listed(
        "Commits of staging that are not in main's history",
        left > 0 ? [...shown, html`<li class="none">… and ${left} more</li>`] : shown,
        'None, but for merges and pins.',
      )}
    </div>
  </section>`;
};
