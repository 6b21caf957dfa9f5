import { describe, expect, it } from '@jest/globals';
import { errorOf } from '@pinlane/testing';
import { isStored, secretKeysOf, secretsVerdict, valuesOf, whatIsStored, whatIsWritten, type StoredSecret } from '@pinlane/pipeline';

const spec = { secrets: { required: ['API_KEY'], optional: ['API_BASE'] } };
const env = { API_KEY: 'own', API_KEY_STAGING: 'staging', API_KEY_PROD: 'prod', API_BASE: '', API_BASE_STAGING: 'base' };

const known = <T>(value: T) => ({ known: true as const, value });
const unknown = { known: false as const, reason: 'nobody answers' };
const stored = (...names: string[]): StoredSecret => ({ name: 'acme', keys: names.map((name) => ({ name, marker: null })) });
const outcomes = (keys: readonly { readonly outcome: string }[]) => keys.map(({ outcome }) => outcome);

describe('the secrets of a processor', () => {
  it.each([
    ['local', { API_KEY: 'own' }, ['API_KEY', 'API_BASE']],
    ['staging', { API_KEY: 'staging', API_BASE: 'base' }, ['API_KEY_STAGING', 'API_BASE_STAGING']],
    ['main', { API_KEY: 'prod' }, ['API_KEY_PROD', 'API_BASE_PROD']],
  ] as const)('come in lane %s from the variables of that lane alone', (lane, values, variables) => {
    const keys = secretKeysOf(spec, lane, env);
    expect(Object.fromEntries(valuesOf(keys))).toEqual(values);
    expect(keys.map(({ variable }) => variable)).toEqual(variables);
  });

  it.each(['pr', 'dev'] as const)('are refused in lane %s, which has none', async (lane) => {
    expect(await errorOf(() => secretKeysOf(spec, lane, env))).toMatchObject({ code: 'ERR_LANE_FORBIDS' });
  });

  const keys = secretKeysOf(spec, 'staging', env);
  const bare = secretKeysOf(spec, 'staging', {});

  it.each([
    ['nothing is stored', keys, known(null), unknown, ['missing', 'absent'], 'missing'],
    ['the required one is stored', keys, known(stored('API_KEY')), unknown, ['stored', 'absent'], 'good'],
    ['the optional one alone is stored', keys, known(stored('API_BASE')), unknown, ['missing', 'stored'], 'missing'],
    ['both are, one with another value', keys, known(stored('API_KEY', 'API_BASE')), known(['API_KEY']), ['stored', 'unchanged'], 'good'],
    ['no value is given to compare with', bare, known(stored('API_KEY')), known([]), ['stored', 'absent'], 'good'],
    ['nobody answers', keys, unknown, unknown, ['unknown', 'unknown'], 'unknown'],
  ] as const)('are looked at where %s', (_, all, there, changed, expected, verdict) => {
    const told = whatIsStored(all, there, changed);
    expect([outcomes(told), secretsVerdict(told)]).toEqual([expected, verdict]);
  });

  it.each([
    ['they are new', keys, known(null), unknown, ['set', 'set'], false],
    ['one changed', keys, known(stored('API_KEY', 'API_BASE')), known(['API_KEY']), ['set', 'unchanged'], false],
    ['none changed', keys, known(stored('API_BASE', 'API_KEY')), known([]), ['unchanged', 'unchanged'], true],
    ['nobody knows what changed', keys, known(stored('API_KEY', 'API_BASE')), unknown, ['set', 'set'], false],
    ['one more is stored than is declared', keys, known(stored('API_KEY', 'API_BASE', 'OLD')), known([]), ['unchanged', 'unchanged'], false],
    ['the required one is not given', bare, known(null), known([]), ['missing', 'absent'], false],
  ] as const)('are written where %s', (_, all, there, changed, expected, same) => {
    expect([outcomes(whatIsWritten(all, there, changed)), isStored(all, there, changed) && valuesOf(all).size > 0]).toEqual([expected, same]);
  });
});
