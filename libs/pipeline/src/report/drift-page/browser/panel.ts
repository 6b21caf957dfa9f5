import type { DriftEntry, DriftVerdict } from '@pinlane/contracts';
import { drawing, element, type Child } from '../../page/browser/dom.ts';
import { address, badgeOf, fact, facts, full, moment, muted, panelHead, section, shape } from '../../page/browser/parts.ts';
import { messageOf } from '../../message.ts';
import { momentOf } from '../../time.ts';
import { VERDICTS } from '../../verdicts.ts';
import type { DriftCell, DriftOverview, EnvironmentOverview, HistorySegment } from '../../drift-overview.ts';

/** What the page carries for its script. */
export interface PageData extends DriftOverview {
  readonly now: string;
}

type Settings = NonNullable<Extract<NonNullable<DriftEntry['observed']>['settings'], { known: true }>['value']>;

const badge = (verdict: DriftVerdict): HTMLElement => badgeOf(verdict, VERDICTS[verdict].word);
const isDigest = (text: string): boolean => /^sha256:[a-f0-9]{64}$/.test(text);
const digest = (value: string | null): Child => (value === null ? muted('none') : full(value));
const yes = (value: boolean, good: string, bad: string): string => (value ? good : bad);

const settingsOf = (settings: Settings | null): Child => {
  const pairs = Object.entries(settings ?? {}).filter(([, value]) => value !== undefined);
  if (pairs.length === 0) return muted('none');
  return element('span', { class: 'pairs' }, ...pairs.map(([name, value]) => element('span', {}, `${name} `, element('b', {}, String(value ?? 'none')))));
};

const secretsOf = (secrets: readonly { readonly name: string; readonly keys: readonly string[] }[]): Child =>
  secrets.length === 0
    ? muted('none')
    : element('span', {}, ...secrets.map(({ name, keys }) => element('div', {}, element('code', {}, name), `: ${keys.join(', ') || 'no keys'}`)));

const imageFacts = ({ pinned, observed, serving, nameLeadsToPin, ref }: DriftEntry): HTMLElement =>
  facts([
    ['Pinned', pinned === null ? muted(ref === null ? 'no registry.yaml claims it' : 'nothing is pinned') : full(pinned)],
    ['Configured', fact(observed?.image, digest)],
    ['Serving', fact(serving, digest, 'not asked (--live)')],
    ['Published name', fact(nameLeadsToPin, (leads) => yes(leads, 'leads to the pin', 'leads to another image'), 'not proven (--deep)')],
  ]);

const appFacts = ({ app, observed }: DriftEntry, now: string): HTMLElement =>
  facts([
    ['App', element('code', {}, app)],
    ['State', fact(observed?.state, (state) => state)],
    ['Version', fact(observed?.version, (version) => (version === null ? muted('none') : String(version)))],
    ['Deployed', fact(observed?.deployedAt, (at) => (at === null ? muted('never') : moment(at, now)))],
    ['By', fact(observed?.deployedBy, (by) => (by === null ? muted('nobody is named') : by))],
    ['Address', fact(observed?.url, (url) => (url === null ? muted('none') : address(url)))],
    ['Settings', fact(observed?.settings, settingsOf)],
    ['Secrets', fact(observed?.secrets, secretsOf)],
    ['Secret values', fact(observed?.secretsCurrent, (current) => yes(current, 'what runs has the present ones', 'what runs has earlier ones'))],
  ]);

/** What is expected stands above what was found, so that two digests can be compared. */
const differencesOf = ({ differences }: DriftEntry): HTMLElement | null => {
  if (differences.length === 0) return null;
  const value = (text: string | null): Child => (text === null ? muted('none') : isDigest(text) ? full(text) : text);
  const parts = differences.map(({ what, name, expected, found }) =>
    element(
      'div',
      { class: 'difference' },
      element('h4', {}, what, name === null ? null : ' ', name === null ? null : element('code', {}, name)),
      facts([
        ['Expected', value(expected)],
        ['Found', value(found)],
      ]),
    ),
  );
  return section('Differences', ...parts);
};

const unknownOf = ({ unknown }: DriftEntry): HTMLElement | null =>
  unknown.length === 0 ? null : section('Could not be told', facts(unknown.map(({ what, reason }) => [what, reason] as const)));

/** Stretches of reports as a bar, the oldest at the left; the list below it says the same in words. */
const strip = (history: readonly HistorySegment[]): SVGElement => {
  const all = history.reduce((sum, { reports }) => sum + reports, 0);
  let x = 0;
  const bars = history.toReversed().map(({ verdict, reports }) => {
    const bar = drawing('rect', { class: `v-${verdict}`, x: String(x), y: '0', width: String(Math.max(0.1, reports - all / 300)), height: '1' });
    x += reports;
    return bar;
  });
  return drawing('svg', { class: 'strip', viewBox: `0 0 ${all} 1`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, ...bars);
};

const stretch = ({ from, to, reports, verdict, message, image, version }: HistorySegment, newest: boolean): HTMLElement => {
  const when = from === to ? momentOf(from) : `${momentOf(from)} to ${newest ? 'now' : momentOf(to)}`;
  const what = [version === null ? null : `v${version}`, image === null ? null : image.slice(7, 19)].filter((each) => each !== null).join(' · ');
  const line = element(
    'div',
    {},
    element('span', { class: `badge v-${verdict}` }, VERDICTS[verdict].word),
    what === '' ? null : ' ',
    element('code', {}, what),
  );
  const count = element('div', { class: 'when' }, `${when}, ${reports} ${reports === 1 ? 'report' : 'reports'}`);
  return element('li', {}, shape(verdict), line, count, verdict === 'in-sync' ? null : element('div', { class: 'what' }, message));
};

const historyOf = ({ history }: DriftCell): HTMLElement =>
  section(
    'History',
    history.length > 1 ? strip(history) : null,
    element('ol', { class: 'timeline' }, ...history.map((segment, at) => stretch(segment, at === 0))),
  );

const headOf = (name: string, { environment, adapter, at }: EnvironmentOverview, now: string): HTMLElement =>
  panelHead(name, `in ${environment} on ${adapter}, looked at ${moment(at, now)}`);

/** Everything that is told of one app in one environment. */
export const panelOf = (data: PageData, row: number, column: number): HTMLElement => {
  const { name, cells } = data.rows[row]!;
  const [cell, environment] = [cells[column] ?? null, data.environments[column]!];
  const head = headOf(name, environment, data.now);
  if (cell === null)
    return element('div', { class: 'panel' }, head, element('p', { class: 'nothing' }, 'The newest report of this environment does not tell of it.'));
  const { entry } = cell;
  const since = [entry.since === null ? '' : `Since ${moment(entry.since, data.now)}`, entry.by === null ? '' : `by ${entry.by}`]
    .filter((text) => text !== '')
    .join(' ');
  return element(
    'div',
    { class: 'panel' },
    head,
    element(
      'div',
      { class: `verdict v-${entry.verdict}` },
      badge(entry.verdict),
      element('p', {}, messageOf(entry)),
      since === '' ? null : element('p', { class: 'none' }, since),
    ),
    differencesOf(entry),
    unknownOf(entry),
    section('Image', imageFacts(entry)),
    section('App', appFacts(entry, data.now)),
    historyOf(cell),
  );
};
