import type { LaneCell, LanesReport, ToldAcceptance, ToldCommit, ToldDeployment, WritingCommit } from '@pinlane/contracts';
import { element, type Child } from '../../page/browser/dom.ts';
import { address, badgeOf, fact, facts, full, moment, muted, panelHead, section } from '../../page/browser/parts.ts';
import { STANDINGS } from '../../standings.ts';
import { momentOf } from '../../time.ts';

const TOLD: Readonly<Record<ToldAcceptance['told'], string>> = {
  report: 'by its report',
  evidence: 'by a report that is attached to the image',
  promotion: 'by the proof of promotion',
};
const WAYS: Readonly<Record<WritingCommit['way'], string>> = {
  history: "it is in this branch's history",
  content: 'this branch has the same pins by another commit: a squash, a rebase or a cherry-pick',
};

const lines = (...children: readonly Child[]): HTMLElement => element('span', {}, ...children.map((child) => element('div', {}, child)));
const when = (at: string | null, now: string): string => (at === null ? 'at no time that can be told' : moment(at, now));

const commitLines = ({ commit, at, by }: ToldCommit, now: string): Child[] => [full(commit), `${when(at, now)}, by ${by}`];
const runLine = (run: string | null): Child => (run === null ? muted('no run of CI is named') : address(run));

const acceptanceOf = (words: readonly ToldAcceptance[], now: string): Child =>
  lines(
    ...words.flatMap(({ lane, verdict, at, told, run }) => [
      element('span', {}, element('b', {}, verdict), ` in ${lane}, ${moment(at, now)}, ${TOLD[told]}`),
      ...(run === null ? [] : [address(run)]),
    ]),
  );

const deploymentOf = ({ adapter, environment, app, digest, seen, since, by }: ToldDeployment, now: string): Child =>
  lines(
    digest === null ? muted('no image is configured') : full(digest),
    `${app} in ${environment} on ${adapter}${since === null ? '' : `, since ${moment(since, now)}`}${by === null ? '' : `, by ${by}`}`,
    `looked at ${momentOf(seen)}`,
  );

const cellSections = ({ file, unread, pins, since, writtenBy, accepted, deployed }: LaneCell, now: string): HTMLElement[] => {
  if (unread !== null)
    return [
      section(
        'Pins',
        facts([
          ['File', element('code', {}, file)],
          ['Not readable', unread],
        ]),
      ),
    ];
  const pinned = Object.entries(pins).map(([name, pin]) => [name, full(pin)] as const);
  if (pinned.length === 0)
    return [
      section(
        'Pins',
        facts([
          ['File', element('code', {}, file)],
          ['Pinned', muted('nothing')],
        ]),
      ),
    ];
  const by = ({ source, run, way, ...commit }: WritingCommit): Child =>
    lines(...commitLines(commit, now), WAYS[way], element('span', {}, 'of source ', element('code', {}, source)), runLine(run));
  return [
    section('Pins', facts([...pinned, ['File', element('code', {}, file)]])),
    section(
      'History',
      facts([
        ['Since', fact(since, (commit) => lines(...commitLines(commit, now)))],
        ['Pin commit', fact(writtenBy, by)],
      ]),
    ),
    section('Accepted', facts(Object.entries(accepted).map(([name, words]) => [name, fact(words, (told) => acceptanceOf(told, now))] as const))),
    section('Deployed', facts([['Configured', fact(deployed, (told) => deploymentOf(told, now), 'this lane deploys nothing')]])),
  ];
};

/** Everything that is told of one processor in one lane. */
export const panelOf = ({ rows, lanes, at }: LanesReport, row: number, column: number): HTMLElement => {
  const { name, cells } = rows[row]!;
  const [cell, lane] = [cells[column] ?? null, lanes[column]!];
  const head = panelHead(name, `in lane ${lane.lane}, ${lane.ref}`);
  if (cell === null)
    return element(
      'div',
      { class: 'panel' },
      head,
      element('p', { class: 'nothing' }, lane.tip.known ? 'This branch does not have it.' : `Not known here: ${lane.tip.reason}`),
    );
  const { word, meaning } = STANDINGS[cell.standing];
  const standing = element('div', { class: `verdict v-${cell.standing}` }, badgeOf(cell.standing, word), element('p', {}, meaning));
  return element('div', { class: 'panel' }, head, standing, ...cellSections(cell, at));
};
