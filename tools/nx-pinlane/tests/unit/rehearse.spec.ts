import { afterEach, describe, expect, it } from '@jest/globals';
import { errorOf, temporaryFolder } from '@pinlane/testing';
import { findAct } from '../../src/verbs/rehearse/act.ts';
import { options } from '../../src/verbs/rehearse/options.ts';
import { writeStandIns, type StandInFacts } from '../../src/verbs/rehearse/stand-ins.ts';
import { workflowOf } from '../../src/verbs/rehearse/workflows.ts';

const FILE = '.github/workflows/s.yml';
const workflow = (more: string, on = '  push: { branches: [staging] }'): string =>
  `on:\n${on}\nenv:\n  PINLANE_LANE: staging\n${more}\njobs:\n  build:\n    name: Build\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: actions/checkout@abc # v6\n      - run: npx x\n        env: { A: '\${{ secrets.A_STAGING }}' }\n`;
const CONCURRENCY = 'concurrency:\n  group: g\n  cancel-in-progress: false\n';
const texts = (...all: readonly string[]): ReadonlyMap<string, string> => new Map(all.map((text, at) => [at === 0 ? FILE : `${FILE}.${at}.yml`, text]));

describe('the workflow of a lane', () => {
  it('is found by its event and its environment, with what it needs', () => {
    const found = workflowOf('staging', texts(workflow(''), 'on: push\njobs: {}\n', workflow('', '  schedule: []')));
    expect(found).toMatchObject({
      ...{ file: FILE, jobs: [{ id: 'build', name: 'Build' }], actions: ['actions/checkout@abc'], runners: ['ubuntu-24.04'], secrets: ['A_STAGING'] },
    });
  });

  it.each([
    ['as it stands', `${CONCURRENCY}  queue: max\n`],
    ['with a comment', `${CONCURRENCY}  queue: max # none is dropped\n`],
    ['not at all', CONCURRENCY],
  ])('loses the line that act refuses, and nothing else: %s', (_, concurrency) => {
    const text = workflow(concurrency);
    const kept = text.split('\n').filter((line) => !line.includes('queue'));
    expect(workflowOf('staging', texts(text)).text).toBe(kept.join('\n'));
  });

  it.each<[string, readonly string[], RegExp]>([
    ['none is there', [], /no workflow of push/],
    ['none is of the lane', [workflow('').replace('LANE: staging', 'LANE: main')], /no workflow of push/],
    ['there are two', [workflow(''), workflow('')], /and there is to be one/],
    [
      'the line is also in a script',
      [`${workflow(`${CONCURRENCY}  queue: max\n`)}      - run: |\n          queue: max\n          x\n`],
      /more than that would differ/,
    ],
    ['it is also in an environment', [workflow(`${CONCURRENCY}  queue: max\n`).replace('env:\n', 'env:\n  queue: max\n')], /more than that would differ/],
    ['it is written in another way', [workflow("concurrency: { group: g, queue: 'max' }")], /more than that would differ/],
    ['it is not YAML', ['on: [push\n'], /not YAML/],
  ])('can not be rehearsed where %s', async (_, all, message) => {
    expect(await errorOf(async () => workflowOf('staging', texts(...all)))).toMatchObject({
      problems: [{ code: 'ERR_REHEARSAL_UNFIT', message: expect.stringMatching(message) }],
    });
  });
});

describe('a rehearsal', () => {
  const path = process.env['PATH'];
  afterEach(() => {
    process.env['PATH'] = path;
  });

  it('says how to get act where there is none', async () => {
    process.env['PATH'] = '/nonexistent';
    expect(await errorOf(() => findAct({ env: { HOME: temporaryFolder('home') } }))).toMatchObject({
      problems: [{ code: 'ERR_TOOL_MISSING', fix: expect.stringContaining('go install github.com/nektos/act@v') }],
    });
  });

  it.each(['foreign/action@abc', 'actions/cache@abc', './local'])('has nothing in the place of %s', async (uses) => {
    const facts = { folder: temporaryFolder('stand-ins') } as StandInFacts;
    expect(await errorOf(() => writeStandIns([uses], facts))).toMatchObject({ problems: [{ code: 'ERR_REHEARSAL_UNFIT' }] });
  });

  it.each([
    ['deploy:smoke', true],
    ['deploy:smoke:after', true],
    ['deploy', false],
    ["deploy:'; rm x", false],
    ['deploy:smoke:before', false],
  ])('takes --fail=%s: %s', (text, taken) => {
    expect(options.fail.safeParse(text).success).toBe(taken);
  });
});
