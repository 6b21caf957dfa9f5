import { describe, expect, it } from '@jest/globals';
import { LANES, type Digest } from '@pinlane/contracts';
import { beliefIn, parseSpec, type BeliefFacts } from '../../src/index.ts';

const d = (digit: string) => `sha256:${digit.repeat(64)}` as Digest;
const specOf = (repository: string, more: { readonly arm64?: string; readonly source?: string; readonly index?: string | null } = {}) =>
  parseSpec(
    [
      'ref: a/b@1',
      'image:',
      '  platforms:',
      `    amd64: ${repository}@${d('1')}`,
      `    arm64: ${more.arm64 ?? `${repository}@${d('2')}`}`,
      `  index: ${more.index === undefined ? `${repository}@${d('3')}` : more.index}`,
      '  source:',
      `    fingerprint: ${more.source ?? d('f')}`,
      '',
    ].join('\n'),
    { file: 'registry.yaml' },
  ).spec;

const OWN = 'ghcr.io/acme/a-b';
const facts = (more: Partial<BeliefFacts> = {}): BeliefFacts => ({ lane: 'local', fingerprint: d('f'), push: false, published: OWN, ...more });
const believed = (spec: ReturnType<typeof specOf>, more?: Partial<BeliefFacts>) => beliefIn(spec, facts(more));

describe('the belief in pins', () => {
  it('is given to pins of the source in the processor’s own repository, in every lane but the one that builds fresh', () => {
    const lanes = LANES.filter((lane) => 'index' in believed(specOf(OWN), { lane }));
    expect(lanes).toEqual(['local', 'dev', 'staging', 'main']);
    expect(believed(specOf(OWN), { push: true, lane: 'staging' })).toMatchObject({ index: { path: 'acme/a-b', digest: d('3') } });
  });

  it('is given to pins in the store where the lane takes such and nothing is to be pushed', () => {
    const inStore = specOf('store.localhost/a-b');
    expect('index' in believed(inStore)).toBe(true);
    expect(believed(inStore, { push: true })).toEqual({ reason: null });
    expect(believed(inStore, { lane: 'staging' })).toEqual({ reason: null });
  });

  it.each([
    ['another source', specOf(OWN, { source: d('e') }), /^$/],
    ['no source', specOf(OWN, { source: 'null' }), /^$/],
    ['no index', specOf(OWN, { index: null }), /^$/],
    ['another repository', specOf('ghcr.io/evil/a-b'), /the pins name ghcr\.io\/evil\/a-b, and the processor's own repository is ghcr\.io\/acme\/a-b/],
    ['another registry', specOf('evil.example/acme/a-b'), /evil\.example/],
    ['two repositories', specOf(OWN, { arm64: `ghcr.io/evil/a-b@${d('2')}` }), /several repositories/],
    ['the store and a registry', specOf(OWN, { arm64: `store.localhost/a-b@${d('2')}` }), /several repositories/],
  ])('is refused to pins of %s', (_, spec, why) => {
    const belief = believed(spec);
    expect('reason' in belief ? (belief.reason ?? '') : 'believed').toMatch(why);
  });
});
