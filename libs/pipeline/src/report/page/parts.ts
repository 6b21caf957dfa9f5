import { ageOf, momentOf } from '../time.ts';
import { html, type Html } from './html.ts';

/** The kinds that cells are of, in the order in which they are told. */
export type Kinds = Readonly<Record<string, { readonly word: string; readonly meaning: string }>>;
export type Counts = Readonly<Record<string, number>>;

const shape = (kind: string): Html => html`<svg class="shape" aria-hidden="true"><use href="#shape-${kind}" /></svg>`;

/** The shapes of kinds, so that no colour has to be told from another. All are drawn in 16 by 16. */
export const shapesOf = (shapes: Readonly<Record<string, Html>>): Html =>
  html`<svg width="0" height="0" aria-hidden="true" class="shapes">
    <defs>${Object.entries(shapes).map(([kind, drawn]) => html`<symbol id="shape-${kind}" viewBox="0 0 16 16">${drawn}</symbol>`)}</defs>
  </svg>`;

/** A kind by its shape, its colour and in a word. */
export const badgeOf = (kind: string, word: string): Html => html`<span class="badge v-${kind}">${shape(kind)}${word}</span>`;

/** The counts of all kinds, which filter the table. @param label what is counted */
export const chipsOf = (kinds: Kinds, counts: Counts, label: string): Html =>
  html`<div class="chips" role="group" aria-label="${label}">
    ${Object.entries(kinds).map(
      ([kind, { word, meaning }]) =>
        html`<button type="button" class="chip v-${kind}" data-verdict="${kind}" data-count="${counts[kind]}" aria-pressed="false" title="${meaning}" disabled>
          <b class="num">${counts[kind]}</b>${badgeOf(kind, word)}
        </button>`,
    )}
  </div>`;

/** The counts of the kinds that there are, for a card. */
export const shareOf = (kinds: Kinds, counts: Counts): Html =>
  html`<ul class="share">
    ${Object.entries(kinds)
      .filter(([kind]) => (counts[kind] ?? 0) > 0)
      .map(([kind, { word }]) => html`<li class="v-${kind}">${shape(kind)}<b class="num">${counts[kind]}</b> ${word.toLowerCase()}</li>`)}
  </ul>`;

/** What each kind means. */
export const legendOf = (kinds: Kinds): Html =>
  html`<dl class="legend">
    ${Object.entries(kinds).map(
      ([kind, { word, meaning }]) =>
        html`<div>
          <dt>${badgeOf(kind, word)}</dt>
          <dd>${meaning}</dd>
        </div>`,
    )}
  </dl>`;

/** The filter and the switch of colours, which need the script. @param by what rows are found by */
export const toolbarOf = (by: string): Html =>
  html`<div class="toolbar" role="search" hidden>
    <label class="find"
      ><span class="unseen">Filter</span><input id="find" type="search" placeholder="Filter by ${by}" autocomplete="off" spellcheck="false" /><kbd
        aria-hidden="true"
        >/</kbd
      ></label
    ><output id="shown" aria-live="polite"></output><button type="button" id="theme" class="theme"></button>
  </div>`;

/** What is said where the filter leaves nothing. @param of what was looked through */
export const nothingOf = (of: string): Html =>
  html`<p id="nothing" class="nothing" hidden>Nothing here has that in its ${of}. <button type="button" id="clear">Show all</button></p>`;

export const keys: Html = html`<p id="keys" class="keys" hidden>
  <kbd>↑</kbd> <kbd>↓</kbd> <kbd>←</kbd> <kbd>→</kbd> or <kbd>j</kbd> <kbd>k</kbd> <kbd>h</kbd> <kbd>l</kbd> move, <kbd>Enter</kbd> opens details,
  <kbd>Esc</kbd> closes, <kbd>/</kbd> filters, a click on a digest copies it in full
</p>`;

/** Another page that lies beside this one. */
export interface PageLink {
  /** Relative to this page. */
  readonly href: string;
  readonly name: string;
}

/** The head of a page: what it says in one line, as of when, and the counts. */
export const headOf = (
  name: string,
  { headline, made, chips, link }: { readonly headline: string; readonly made: string; readonly chips: Html; readonly link: PageLink | null },
): Html =>
  html`<header class="page">
    <div class="title">
      <p class="brand">Pinlane <span>${name}</span>${link === null ? null : html` <a href="${link.href}">${link.name}</a>`}</p>
      <h1>${headline}</h1>
      <p class="made">As of <time id="made" datetime="${made}">${momentOf(made)}</time><span id="stale" hidden></span></p>
    </div>
    ${chips}
  </header>`;

/** What a page with a table has at its end: the panel of details, and what is told in passing. */
export const panel: Html = html`<dialog id="details" aria-labelledby="details-title"></dialog>
  <div id="said" class="said" role="status"></div>`;

/** A moment as an age, with the moment itself at hand; the moment where it lies ahead. */
export const ageText = (at: string, now: string): Html => {
  const age = ageOf(at, now);
  return html`<time datetime="${at}" title="${momentOf(at)}">${age === null ? momentOf(at) : age === 'now' ? 'just now' : `${age} ago`}</time>`;
};

/** A digest in short, with the whole at hand. @param differs whether it is not as it should be */
export const digestCode = (digest: string, differs = false): Html =>
  html`<code class="digest${differs ? ' differs' : ''}" title="${digest}" data-copy="${digest}">${digest.slice('sha256:'.length).slice(0, 12)}</code>`;
