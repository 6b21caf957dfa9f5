import { createHash } from 'node:crypto';
import type { BranchLane, LaneCell, LanesReport, LaneStanding, ToldAcceptance } from '@pinlane/contracts';
import { digestFor, EXAMPLE_NOW, hoursBefore } from './drift-reports.ts';

const known = <T>(value: T) => ({ known: true as const, value });
const unknown = (reason: string) => ({ known: false as const, reason });
const commitFor = (name: string): string => createHash('sha1').update(name).digest('hex');

interface Cell {
  readonly lane: BranchLane;
  /** What its images are called, of which their digests follow; null if nothing is pinned. */
  readonly image: string | null;
  readonly standing: LaneStanding;
  /** Since when it is pinned, in hours before {@link EXAMPLE_NOW}. */
  readonly hours?: number;
  readonly by?: string;
  readonly accepted?: boolean | 'rejected';
  /** What is called what runs; null if it is not known. */
  readonly deployed?: string | null;
}

const RUN = 'https://github.com/acme/processors/actions/runs/1187';

/** A processor in a lane. */
export const laneCellFor = (
  ref: string,
  { lane, image, standing, hours = 30, by = 'github-actions[bot]', accepted = true, deployed = image }: Cell,
): LaneCell => {
  const slug = ref.split('@')[0]!.replace('/', '-');
  const reference = (name: string) => `ghcr.io/acme/${slug}@${digestFor(name)}`;
  const file = `processors/${slug}/registry.yaml`;
  const nothing = { file, standing, unread: null, pins: {}, since: null, writtenBy: null, accepted: {} };
  const none = unknown('no report here tells what is deployed');
  if (image === null) return { ...nothing, deployed: lane === 'dev' ? null : none };
  const word = (of: ToldAcceptance['lane']): ToldAcceptance => ({
    ...{ lane: of, at: hoursBefore(hours - 0.2), told: of === 'staging' && lane === 'main' ? 'evidence' : 'report', run: RUN },
    verdict: accepted === 'rejected' ? 'rejected' : 'accepted',
  });
  const words = accepted === false ? unknown('no report here is about this digest') : known(lane === 'main' ? [word('main'), word('staging')] : [word(lane)]);
  const place = { adapter: 'modal' as const, environment: lane as 'staging' | 'main', app: `${slug}-v1` };
  const running =
    deployed === null ? none : known({ ...place, digest: digestFor(deployed), seen: hoursBefore(0.2), since: hoursBefore(hours - 0.4), by: 'ci-deploy' });
  return {
    ...nothing,
    pins: { amd64: reference(image), arm64: reference(`${image} arm64`), index: reference(`${image} index`) },
    since: known({ commit: commitFor(`${image} ${lane}`), at: hoursBefore(hours), by }),
    writtenBy: known({
      commit: commitFor(image),
      at: hoursBefore(hours + 1),
      by: 'github-actions[bot]',
      source: commitFor(`${image} source`),
      run: RUN,
      way: 'history',
    }),
    accepted: { amd64: words, arm64: unknown('no report here is about this digest') },
    deployed: lane === 'dev' ? null : running,
  };
};

/** What the page of lanes shows of a workspace with a few processors, one cell of each standing among them. */
export const exampleLanesReport = (): LanesReport => {
  const row = (ref: string, cells: readonly (Omit<Cell, 'lane'> | null)[]): LanesReport['rows'][number] => ({
    ...{ ref: ref as never, name: ref },
    cells: cells.map((cell, at) => (cell === null ? null : laneCellFor(ref, { ...cell, lane: (['dev', 'staging', 'main'] as const)[at]! }))),
  });
  const settled = (image: string, hours: number, by?: string): Omit<Cell, 'lane'> => ({
    image,
    standing: 'settled',
    hours,
    ...(by === undefined ? {} : { by }),
  });
  const same = (ref: string, hours: number) => row(ref, [settled(ref, hours), settled(ref, hours), settled(ref, hours - 3, 'ann')]);
  const rows = [
    row('llm/router@2', [
      settled('router new', 20),
      { image: 'router new', standing: 'waiting', hours: 20 },
      { ...settled('router old', 300, 'ann'), standing: 'differs', deployed: 'router hand' },
    ]),
    row('docs/ocr@1', [
      { image: 'ocr new', standing: 'rejected', hours: 4, accepted: 'rejected' },
      { image: 'ocr new', standing: 'rejected', hours: 4, accepted: 'rejected' },
      settled('ocr old', 500, 'ann'),
    ]),
    row('llm/litellm@1', [settled('litellm old', 200), { image: 'litellm new', standing: 'waiting', hours: 2 }, settled('litellm old', 190, 'ann')]),
    row('search/embed@3', [settled('embed', 3), { image: 'embed', standing: 'waiting', hours: 3 }, null]),
    row('text/moderate@1', [{ image: null, standing: 'unpinned' }, { image: null, standing: 'unpinned' }, null]),
    row('image/upscale@2', [
      settled('upscale', 700),
      { ...settled('upscale', 700), standing: 'unknown', accepted: false, deployed: null },
      settled('upscale', 690, 'ann'),
    ]),
    ...['audio/transcribe@1', 'image/segment@1', 'media/thumbnail@1', 'replicate/generic@1', 'search/rerank@1', 'video/transcode@1'].map((ref, at) =>
      same(ref, 90 + at * 70),
    ),
  ];
  const lane = (name: BranchLane, hours: number, by: string) => ({
    ...{ lane: name, ref: `refs/remotes/origin/${name}`, partial: null, deploysTo: name === 'dev' ? null : name },
    tip: known({ commit: commitFor(name), at: hoursBefore(hours), by }),
  });
  const pin = (name: string, before: string | null, after: string) =>
    (['amd64', 'arm64', 'index'] as const).map((each) => {
      const reference = (image: string) => `ghcr.io/acme/${name.split('@')[0]!.replace('/', '-')}@${digestFor(each === 'amd64' ? image : `${image} ${each}`)}`;
      return { name, pin: each, main: before === null ? null : reference(before), staging: reference(after) };
    });
  const subjects = [
    'feat(router): retries with jitter',
    'fix(ocr): rotated pages',
    'feat(embed): a third model',
    'chore: dependencies',
    'feat(litellm): streaming of tool calls',
  ];
  return {
    ...{ kind: 'LanesReport', schemaVersion: 1, at: EXAMPLE_NOW, rows },
    lanes: [lane('dev', 1, 'ben'), lane('staging', 2, 'github-actions[bot]'), lane('main', 187, 'ann')],
    waiting: known({
      pins: [
        ...pin('docs/ocr@1', 'ocr old', 'ocr new'),
        ...pin('llm/litellm@1', 'litellm old', 'litellm new'),
        ...pin('llm/router@2', 'router old', 'router new'),
        ...pin('search/embed@3', null, 'embed'),
      ],
      commits: subjects.map((subject, at) => ({ commit: commitFor(subject), at: hoursBefore(4 + at * 9), by: at % 2 === 0 ? 'ben' : 'cleo', subject })),
      more: 0,
    }),
  };
};
