import { describe, expect, it } from '@jest/globals';
import { digestSchema, parsePinnedReference, type EvidenceFound } from '@pinlane/contracts';
import {
  deploymentDiffers,
  differenceLine,
  evidenceFor,
  parseSpec,
  planDeployment,
  requirePinned,
  whyLaneForbids,
  type DeploymentPlan,
  type ObservedApp,
} from '../../src/index.ts';

const digestOf = (hex: string) => digestSchema.parse(`sha256:${hex.repeat(64)}`);
const known = <T>(value: T) => ({ known: true as const, value });
const unknown = { known: false as const, reason: 'nobody answered' };

const SPEC = `ref: acme/one@2
image: { platforms: { amd64: 'ghcr.io/acme/one@${digestOf('a')}' } }
runtime: { cpu: 1, memory_gb: 2 }
deploy: { max_containers: 3, resources: { cpu: 4 } }
`;
const planOf = (more = 'secrets: { required: [A_KEY], optional: [B_KEY] }\n', spec = SPEC): DeploymentPlan => {
  const pinned = requirePinned(parseSpec(spec + more, { file: 'registry.yaml' }).spec, { file: 'registry.yaml', platforms: ['linux/amd64'] });
  return planDeployment(pinned, { lane: 'staging', environment: 'staging', platform: 'linux/amd64', branch: undefined, user: 'ann' });
};
const SECRET = { name: 'acme-one-v2-secrets', keys: ['A_KEY'] };
const observed = (more: Partial<ObservedApp> = {}): ObservedApp =>
  ({
    ...{
      adapter: 'modal',
      environment: 'staging',
      app: 'acme-one-v2',
      state: known('running'),
      version: known(1),
      deployedAt: known(null),
      deployedBy: known(null),
    },
    ...{ image: known(digestOf('a')), settings: known(planOf().expected), secrets: known([SECRET]), secretsCurrent: known(true), url: known(null) },
    ...(more as object),
  }) as ObservedApp;

describe('a planned deployment', () => {
  it('has the manifest of its platform, the settings of registry.yaml, and names that hold the major version', () => {
    const plan = planOf();
    expect(plan.image).toEqual(parsePinnedReference(`ghcr.io/acme/one@${digestOf('a')}`));
    expect(plan.place).toEqual({ environment: 'staging', app: 'acme-one-v2' });
    expect(plan.secret).toBe('acme-one-v2-secrets');
    expect(plan.expected).toMatchObject({ cpu: 4, memoryGb: 2, maxContainers: 3, port: 8000 });
    expect(planOf('').secret).toBeNull();
  });
});

describe('an app that is compared with its plan', () => {
  it('differs in nothing if all is as planned, and what a platform does not tell has no say', () => {
    const same = { differs: [], staleSecrets: false, unknown: [] };
    expect(deploymentDiffers(planOf(), observed())).toEqual(same);
    expect(deploymentDiffers(planOf(), observed({ settings: known({ port: 8000 }) }))).toEqual(same);
  });

  it.each<[string, Partial<ObservedApp>, string]>([
    ['the image', { image: known(digestOf('b')) }, `the image is ${digestOf('b')}, and ${digestOf('a')} is to run`],
    ['an image that is none of ours', { image: known(null) }, `the image is none, and ${digestOf('a')} is to run`],
    ['the state', { state: known('stopped') }, 'it is stopped'],
    ['a setting', { settings: known({ cpu: 1 }) }, 'cpu is 1, and registry.yaml says 4'],
    ['a setting that nobody asked for', { settings: known({ gpu: 'H100' }) }, 'gpu is H100, and registry.yaml says none'],
    ['a secret that is not attached', { secrets: known([]) }, 'the secret acme-one-v2-secrets is not attached'],
    ['a key that is gone', { secrets: known([{ ...SECRET, keys: ['B_KEY'] }]) }, 'the secret acme-one-v2-secrets lacks the key A_KEY'],
    ['a secret too many', { secrets: known([SECRET, { name: 'other', keys: [] }]) }, 'attached is also the secret other'],
    ['all, if there is no such app', { state: known('absent'), image: unknown }, 'there is no such app yet'],
  ])('differs in %s', (_, more, line) => {
    expect(deploymentDiffers(planOf(), observed(more)).differs.map(differenceLine)).toEqual([line]);
  });

  it.each([
    // In whole MiB, and in thousandths of a processor, cut; a GPU's name in capitals.
    ['{ memory_gb: 0.3 }', { memoryGb: 0.2998 }, true],
    ['{ memory_gb: 0.0001 }', { memoryGb: 0.001 }, true],
    ['{ memory_gb: 1.7 }', { memoryGb: 1.7002 }, true],
    ['{ memory_gb: 4095.9997 }', { memoryGb: 4096 }, true],
    ['{ memory_gb: 2 }', { memoryGb: 2.001 }, false],
    ['{ memory_gb: 0.5 }', { memoryGb: 0.25 }, false],
    ['{ cpu: 0.1239 }', { cpu: 0.123 }, true],
    ['{ cpu: 1.001 }', { cpu: 1 }, true],
    ['{ cpu: 0.125 }', { cpu: 0.123 }, false],
    ['{ gpu: h100 }', { gpu: 'H100' }, true],
    ['{ gpu: "a100-80gb:1" }', { gpu: 'A100-80GB' }, true],
    ['{ gpu: "L4:1,t4:2" }', { gpu: 'L4,T4:2' }, true],
    ['{ gpu: "h100:2" }', { gpu: 'H100' }, false],
    ['{ gpu: h100 }', { gpu: 'H100:16' }, false],
    ['{ gpu: h100 }', { gpu: null }, false],
  ])('has resources %s if the platform tells %j: %p', (resources, told, same) => {
    const plan = planOf(`runtime: ${resources}\n`, SPEC.replace(/^(?:runtime|deploy): .*\n/gm, ''));
    const { differs } = deploymentDiffers(plan, observed({ settings: known(told), secrets: known([]) }));
    expect(differs).toHaveLength(same ? 0 : 1);
  });

  it.each([
    [undefined, 'us-east', true],
    ['us-east', 'us-east', true],
    ['us-east', null, true],
    [undefined, 'eu-west', false],
    ['eu-west', 'us-east', false],
    ['eu-west', null, false],
  ])('has the region %s if the platform tells %s: %p', (region, told, same) => {
    const plan = planOf('', SPEC.replace('deploy: {', `deploy: {${region === undefined ? '' : ` region: ${region},`}`));
    const { differs } = deploymentDiffers(plan, observed({ settings: known({ region: told }), secrets: known([]) }));
    expect(differs).toHaveLength(same ? 0 : 1);
  });

  it('is not known where the platform does not answer, and that is no difference', () => {
    const { differs, unknown: open } = deploymentDiffers(planOf(), observed({ image: unknown, secrets: unknown, settings: unknown }));
    expect([differs, open]).toEqual([[], ['image', 'settings', 'secrets'].map((what) => ({ what, reason: 'nobody answered' }))]);
  });

  it('has stale secrets only if it is known that they have other values now', () => {
    expect(deploymentDiffers(planOf(), observed({ secretsCurrent: known(false) })).staleSecrets).toBe(true);
    expect(deploymentDiffers(planOf(), observed({ secretsCurrent: unknown })).staleSecrets).toBe(false);
  });

  it('needs no secret whose keys are all optional, until it is stored', () => {
    const plan = planOf('secrets: { optional: [B_KEY] }\n');
    const without = observed({ secrets: known([]) });
    expect(deploymentDiffers(plan, without).differs).toEqual([]);
    expect(deploymentDiffers(plan, without, { stored: true }).differs.map(differenceLine)).toEqual(['the secret acme-one-v2-secrets is not attached']);
  });
});

describe('the evidence for a deployment', () => {
  const found = (...lanes: ('staging' | 'local' | 'main')[]): EvidenceFound => ({
    found: lanes.map((lane, at) => ({ lane, artifact: digestOf(String(at)) })) as unknown as EvidenceFound['found'],
    ignored: [],
  });

  it('is the newest report of any lane, and in main the newest of staging', () => {
    expect(evidenceFor(found('local', 'staging'), { lane: 'staging', digest: digestOf('a') })).toEqual({ artifact: digestOf('0') });
    expect(evidenceFor(found('main', 'staging'), { lane: 'main', digest: digestOf('a') })).toEqual({ artifact: digestOf('1') });
  });

  it.each(['staging', 'main'] as const)('is missing in lane %s without one', (lane) => {
    expect(evidenceFor({ found: [], ignored: [] }, { lane, digest: digestOf('a') })).toMatchObject({ problem: { code: 'ERR_EVIDENCE_MISSING' } });
    if (lane === 'main')
      expect(evidenceFor(found('local', 'main'), { lane, digest: digestOf('a') })).toMatchObject({
        problem: { message: expect.stringContaining('one of lane local') },
      });
  });
});

describe('a lane', () => {
  it.each([
    ['pr', 'modal', false, 1],
    ['dev', 'local', false, 1],
    ['local', 'modal', true, 1],
    ['local', 'modal', false, 0],
    ['local', 'local', true, 0],
    ['staging', 'modal', true, 0],
    ['main', 'modal', true, 0],
  ] as const)('%s on %s, in CI: %s, has %d reasons not to deploy', (lane, hosting, ci, count) => {
    const problems = whyLaneForbids(lane, { hosting, ci });
    expect(problems.map(({ code }) => code)).toEqual(Array.from({ length: count }, () => 'ERR_LANE_FORBIDS'));
  });
});
