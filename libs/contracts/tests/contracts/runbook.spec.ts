import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { ERROR_CATALOGUE, LANE_TABLE, LANES, type Lane } from '../../src/index.ts';

const runbook = readFileSync(fileURLToPath(new URL('../../../../docs/runbook.md', import.meta.url)), 'utf8');
const section = runbook.split(/^## /m).find((part) => part.startsWith('Lanes\n')) ?? '';
const rows = new Map(
  [...section.matchAll(/^\| (\w+) +\|(.*)\|$/gm)]
    .filter(([, first]) => first !== 'lane')
    .map(([, lane = '', rest = '']) => [lane, rest.split('|').map((cell) => cell.trim())]),
);
const cells = (lane: Lane): { runs: string; image: string } => ({ runs: rows.get(lane)?.[1] ?? '', image: rows.get(lane)?.[2] ?? '' });

describe('the table of lanes in the runbook', () => {
  it('has a row for every lane and for no other', () => {
    expect([...rows.keys()]).toEqual([...LANES]);
  });

  it.each(LANES)('names the image that lane %s tests', (lane) => {
    expect(cells(lane).image).toMatch(LANE_TABLE[lane].imageUnderTest === 'pinned' ? /^pinned/ : /^working tree/);
  });

  it.each(LANES)('gives lane %s commands that it may run', (lane) => {
    const { runs } = cells(lane);
    const { writesPins, mayPush } = LANE_TABLE[lane];
    expect(runs).toContain('acceptance');
    expect(/\bpin\b/.test(runs)).toBe(writesPins !== 'no');
    expect(runs.includes('PINLANE_PUSH=true')).toBe(mayPush);
    if (lane !== 'local') expect(runs).toContain(`PINLANE_LANE=${lane} `);
  });
});

describe('the runbook', () => {
  it('names only codes that the catalogue has', () => {
    const named = [...runbook.matchAll(/\bERR_[A-Z_]+\b/g)].map(([code]) => code);
    expect(named.filter((code) => !Object.hasOwn(ERROR_CATALOGUE, code))).toEqual([]);
    expect(named.length).toBeGreaterThan(0);
  });
});
