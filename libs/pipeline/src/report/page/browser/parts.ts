import { ageOf, momentOf } from '../../time.ts';
import { copy } from './copy.ts';
import { drawing, element, type Child } from './dom.ts';

type Fact<T> = { readonly known: true; readonly value: T } | { readonly known: false; readonly reason: string };

/** The shape of a kind, which the page has drawn. */
export const shape = (kind: string): SVGElement =>
  drawing('svg', { class: `shape v-${kind}`, 'aria-hidden': 'true' }, drawing('use', { href: `#shape-${kind}` }));

/** A kind by its shape, its colour and in a word. */
export const badgeOf = (kind: string, word: string): HTMLElement => element('span', { class: `badge v-${kind}` }, shape(kind), word);

/** A moment, and how long before the page was made it was. */
export const moment = (at: string, now: string): string => {
  const age = ageOf(at, now);
  return `${momentOf(at)}${age === null ? ', ahead of this page' : age === 'now' ? ', just now' : `, ${age} ago`}`;
};

/** A text in full that can be copied. */
export const full = (text: string): HTMLElement => {
  const button = element('button', { type: 'button', class: 'copy', 'aria-label': `Copy ${text}` }, 'Copy');
  button.addEventListener('click', () => void copy(text));
  return element('span', { class: 'full' }, element('code', {}, text), button);
};

export const muted = (text: string): HTMLElement => element('span', { class: 'none' }, text);

export const notKnown = (reason: string): HTMLElement =>
  element('span', {}, element('span', { class: 'unknown' }, 'Not known'), element('span', { class: 'why' }, reason));

/** A fact as it is told, or that it is not known and why; `missing` where it was not asked for at all. */
export const fact = <T>(given: Fact<T> | null | undefined, told: (value: T) => Child, missing = 'not looked at'): Child => {
  if (given === null || given === undefined) return muted(missing);
  return given.known ? told(given.value) : notKnown(given.reason);
};

export const facts = (rows: readonly (readonly [string, Child])[]): HTMLElement =>
  element('dl', { class: 'facts' }, ...rows.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))));

export const section = (title: string, ...children: readonly Child[]): HTMLElement => element('section', {}, element('h3', {}, title), ...children);

/** An address of a report that a browser may go to; others, such as `javascript:`, stay a text. */
export const address = (url: string): HTMLElement =>
  /^https?:\/\//i.test(url) ? element('a', { href: url, rel: 'noreferrer noopener', target: '_blank' }, url) : element('code', {}, url);

/** The head of a panel, with the button that closes it. */
export const panelHead = (title: string, about: string): HTMLElement => {
  const close = element('button', { type: 'button', class: 'close', autofocus: '' }, 'Close ', element('kbd', { 'aria-hidden': 'true' }, 'Esc'));
  close.addEventListener('click', () => close.closest('dialog')?.close());
  return element('header', {}, element('h2', { id: 'details-title' }, title), element('p', {}, about), close);
};
