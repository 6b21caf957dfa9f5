import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { refSchema, type Ref } from '@pinlane/contracts';
import { refs } from '@pinlane/testing';
import { APP_NAME_AT_MOST, appNameOf, secretNameOf } from '../../src/index.ts';

const texts = fc.oneof(fc.string({ maxLength: 90 }), fc.stringMatching(/^[a-z/_-]{0,90}$/), fc.constantFrom('日本', 'feature/a', '---', 'x'.repeat(200)));
const someRefs = fc
  .oneof(
    refs(),
    fc.tuple(fc.stringMatching(/^[a-z]{1,40}$/), fc.stringMatching(/^[a-z]{1,40}$/)).map(([space, name]) => `${space}/${name}@7`),
  )
  .filter((text) => refSchema.safeParse(text).success) as fc.Arbitrary<Ref>;

describe('the name of an app', () => {
  it('is valid for any branch and user, and the same each time', () => {
    fc.assert(
      fc.property(someRefs, texts, texts, fc.constantFrom('dev', 'staging', 'main'), (ref, branch, user, environment) => {
        const name = appNameOf(ref, environment, { branch, user });
        expect(name).toMatch(/^[a-z0-9]+(?:-+[a-z0-9]+)*$/);
        expect(name.length).toBeLessThanOrEqual(APP_NAME_AT_MOST);
        expect(secretNameOf(ref).length).toBeLessThanOrEqual(APP_NAME_AT_MOST);
        expect(appNameOf(ref, environment, { branch, user })).toBe(name);
      }),
      { numRuns: 200 },
    );
  });

  it('stays distinct where distinct ones were cut', () => {
    fc.assert(
      fc.property(someRefs, fc.array(fc.stringMatching(/^[a-z]{1,3}$/), { minLength: 2, maxLength: 2 }), (ref, [a, b]) => {
        const long = 'l'.repeat(80);
        const of = (branch: string, user: string) => appNameOf(ref, 'dev', { branch, user });
        expect(of(long + a, 'u') === of(long + b, 'u')).toBe(a === b);
        expect(of(long, long + a) === of(long, long + b)).toBe(a === b);
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['dev', 'Feature/ABC_1', 'Ann.B', 'feature-abc-1-ann-b-llm-litellm-v1'],
    ['dev', undefined, 'ann', 'detached-ann-llm-litellm-v1'],
    ['staging', 'x', 'y', 'llm-litellm-v1'],
    ['main', 'x', 'y', 'llm-litellm-v1'],
  ] as const)('in %s from branch %s of %s is %s%s', (environment, branch, user, name) => {
    expect(appNameOf('llm/litellm@1' as Ref, environment, { branch, user })).toBe(name);
  });
});
