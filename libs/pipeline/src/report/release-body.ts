import { ARCHITECTURES, cutOff, parsePinnedReference, platformOf, shortDigest, type Architecture, type Digest } from '@pinlane/contracts';
import type { CheckFacts, ReleasedApp, ReleasedCommit, ReleaseFacts } from '../lane/release.ts';
import type { PinChange } from '../pin/pin-commit.ts';
import { countsText } from './drift-table.ts';
import { markdownCode } from './markdown.ts';
import { momentOf } from './time.ts';

/** GitHub takes so many characters of a pull request. */
export const BODY_AT_MOST = 65_536;
/** The last line of every body, by which a release is known again. */
export const RELEASE_MARK = '<!-- pinlane release -->';

/** A part of the body: what it begins with, and lines of which some may be left out. */
interface Section {
  readonly head: readonly string[];
  readonly lines: readonly string[];
  /** What the lines are, where some are left out. */
  readonly noun: string;
}

/** In the type of code, where GitHub looks for no mentions, issues and addresses, and of some length. */
const code = (text: string, atMost = 100): string => markdownCode(cutOff(text, atMost));
const commitCode = (commit: string): string => code(commit.slice(0, 12));
const digestCode = (reference: string | null | undefined): string => (reference == null ? 'none' : code(shortDigest(digestIn(reference))));
const digestIn = (reference: string): Digest => parsePinnedReference(reference).digest;
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const table = (...columns: readonly string[]): string[] => [row(...columns), row(...columns.map(() => '---'))];

const subjects: readonly (readonly [path: string, what: string])[] = [
  ...ARCHITECTURES.map((each: Architecture) => [`image.platforms.${each}`, platformOf(each)] as const),
  ['image.index', 'index'],
  ['published', 'index'],
];

const pinRows = ({ name, before, after }: PinChange): string[] => {
  const rows = subjects.flatMap(([path, what]) => {
    const [from, to] = [before[path] ?? null, after[path] ?? null];
    return from === to ? [] : [row(code(name), what, digestCode(from), digestCode(to))];
  });
  return rows.length > 0 ? rows : [row(code(name), 'source', 'another source', 'of the same images')];
};

const pinSection = ({ changes }: ReleaseFacts): Section => ({
  head: changes.length === 0 ? ['### Pins', '', 'No pin changes.'] : ['### Pins that change', '', ...table('image', 'platform', 'old', 'new')],
  lines: changes.flatMap(pinRows),
  noun: 'pins',
});

const evidenceSection = ({ promotion }: ReleaseFacts): Section => {
  const lines = promotion.entries.flatMap(({ ref, file, pins, acceptedBy, outcome, remarks }) => {
    const name = code(ref ?? file);
    if (outcome === 'unpinned') return [row(name, '', 'none', 'not pinned, so that nothing is deployed of it', '', '')];
    return ARCHITECTURES.flatMap((each) => {
      const [pin, by] = [pins[each], acceptedBy[each]];
      if (pin === undefined) return [];
      const platform = platformOf(each);
      if (by === undefined)
        return [row(name, platform, digestCode(pin), remarks.some((remark) => remark.includes(platform)) ? 'not asked for' : 'none', '', '')];
      const { workspace, revision, run } = by.origin;
      const who = [
        workspace === null ? '' : `staging of ${code(workspace)}`,
        revision === null ? '' : `at ${commitCode(revision)}`,
        run === null ? '' : code(run, 200),
      ];
      return [row(name, platform, digestCode(pin), 'accepted', momentOf(by.startedAt), who.filter((text) => text !== '').join(', '))];
    });
  });
  return { head: ['### Evidence', '', ...table('image', 'platform', 'digest', 'verdict', 'when', 'by whom')], lines, noun: 'digests' };
};

const whatBecomes = ({ digest, before }: ReleasedApp): string => {
  if (digest === null) return 'nothing: no image is pinned for it';
  if (before === null) return `${digestCode(digest)}, which is new on main`;
  return digestIn(before) === digestIn(digest) ? `${digestCode(digest)}, as main has it` : `${digestCode(digest)} in the place of ${digestCode(before)}`;
};

const appSection = ({ apps, changes }: ReleaseFacts): Section => {
  const gone = changes.filter(({ after }) => Object.values(after).every((value) => value === null));
  return {
    head: ['### What would be deployed', '', ...table('image', 'app', 'where', 'what')],
    lines: [
      ...apps.map((app) =>
        row(code(app.ref), code(app.app), `${app.environment} on ${app.adapter}${app.platform === null ? '' : `, ${app.platform}`}`, whatBecomes(app)),
      ),
      ...gone.map(({ name }) => row(code(name), '', '', 'no longer pinned: nothing is deployed of it, and what runs is left running')),
    ],
    noun: 'apps',
  };
};

const CHECK_MARKS: Readonly<Record<CheckFacts['state'], string>> = { passed: '✅', skipped: '⏭️', running: '⏳', failed: '❌' };

const stateSection = ({ checks, drift, staging }: ReleaseFacts): Section => {
  const pipeline =
    checks === null
      ? ['- ❔ The pipeline was not asked about, because there was no token: look at the checks of this commit yourself.']
      : checks.map(
          ({ state, name, commit, said, url }) =>
            `- ${CHECK_MARKS[state]} ${code(name)} on ${commitCode(commit)}: ${code(said)}${url === null ? '' : `, ${code(url, 200)}`}`,
        );
  const reports = drift.map((report) => {
    const apps = report.entries.map(({ app, verdict, pinned }) => `  - ${code(app)} is ${verdict}: ${digestCode(pinned)}`);
    return [`- ${report.verdict === 'in-sync' ? '✅' : '❌'} Drift on ${report.adapter}, ${momentOf(report.at)}: ${countsText(report)}`, ...apps];
  });
  return { head: [`### Staging at ${commitCode(staging.commit)}`, ''], lines: [...pipeline, ...reports.flat()], noun: 'lines' };
};

const commitLine = ({ commit, subject, author, pins }: ReleasedCommit): string =>
  `- ${commitCode(commit)} ${code(subject, 120)} by ${code(author, 60)}${pins ? ' (pins)' : ''}`;

const commitSection = ({ commits, main }: ReleaseFacts): Section => ({
  head: ['### Commits', '', `${commits.total} commits that ${code(main.branch)} lacks, without merges, the newest first.`, ''],
  lines: commits.shown.map(commitLine),
  noun: 'commits',
});

/** So much is kept for each section that comes later. */
const KEPT_SHARE = 0.12;

/** As many lines of a section as fit, and how many do not. */
const fitted = ({ head, lines, noun }: Section, room: number, hidden: number): string[] => {
  const cut = (count: number): string => `… and ${count} more ${noun}, left out for want of room.`;
  const sizeOf = (all: readonly string[]): number => all.reduce((sum, line) => sum + line.length + 1, 0);
  const whole = [...head, ...lines, ...(hidden > 0 ? ['', cut(hidden)] : [])];
  if (sizeOf(whole) <= room) return whole;
  let left = room - sizeOf(head) - cut(lines.length + hidden).length - 2;
  const end = lines.findIndex((line) => (left -= line.length + 1) < 0);
  const count = end === -1 ? lines.length : end;
  return [...head, ...lines.slice(0, count), '', cut(lines.length - count + hidden)];
};

/** A body of parts that are made once, for any length. */
const bodyOf = (facts: ReleaseFacts): ((atMost: number) => string) => {
  const { staging, main, commits } = facts;
  const intro = [
    `The images that ${code(staging.branch)} pinned and accepted at ${code(staging.commit)}, for ${code(main.branch)}, which is at ${code(main.commit)}. Nothing is built anew.`,
    '',
  ];
  const sections = [pinSection(facts), evidenceSection(facts), appSection(facts), stateSection(facts), commitSection(facts)];
  return (atMost) => {
    let room = atMost - intro.join('\n').length - RELEASE_MARK.length - 8 - sections.length;
    const written = sections.map((section, at) => {
      const hidden = section.noun === 'commits' ? Math.max(0, commits.total - commits.shown.length) : 0;
      const kept = (sections.length - 1 - at) * KEPT_SHARE * atMost;
      const text = [...fitted(section, Math.max(0, room - kept), hidden), ''].join('\n');
      room -= text.length + 1;
      return text;
    });
    return [...intro, ...written, RELEASE_MARK].join('\n');
  };
};

/**
 * The body of the pull request that promotes staging to main, in Markdown: pins that change, evidence, what would be deployed, the state of staging, commits.
 * All that others wrote is nothing but text: it mentions nobody, closes no issue, and ends no table. Of each section as many lines are there as fit, and the
 * rest are counted.
 */
export const releaseBody = (facts: ReleaseFacts): string => bodyOf(facts)(BODY_AT_MOST);

/** An address longer than this is refused by some server on its way. */
export const LINK_AT_MOST = 8_000;

const branchPath = (name: string): string => name.split('/').map(encodeURIComponent).join('/');

/**
 * The address at GitHub that opens the pull request, with title and body filled in ("Using query parameters to create a pull request"). Of the body there is as
 * much as an address may hold.
 * @param repository its address, without a slash at its end
 */
export const releaseLink = (repository: string, facts: ReleaseFacts, title: string): string => {
  const { staging, main } = facts;
  const body = bodyOf(facts);
  const linkWith = (text: string): string =>
    `${repository}/compare/${branchPath(main.branch)}...${branchPath(staging.branch)}?${new URLSearchParams({ expand: '1', title, body: text })}`;
  for (let atMost = LINK_AT_MOST; atMost >= 1_000; atMost = Math.floor(atMost * 0.8)) {
    const link = linkWith(body(atMost));
    if (link.length <= LINK_AT_MOST) return link;
  }
  return linkWith('');
};
