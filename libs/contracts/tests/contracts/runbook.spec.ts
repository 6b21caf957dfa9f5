import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { ERROR_CATALOGUE } from '../../src/index.ts';

const runbook = readFileSync(fileURLToPath(new URL('../../../../docs/runbook.md', import.meta.url)), 'utf8');
describe('the runbook', () => {
  it('names only codes that the catalogue has', () => {
    const named = [...runbook.matchAll(/\bERR_[A-Z_]+\b/g)].map(([code]) => code);
    expect(named.filter((code) => !Object.hasOwn(ERROR_CATALOGUE, code))).toEqual([]);
    expect(named.length).toBeGreaterThan(0);
  });
});
