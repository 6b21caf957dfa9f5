import { describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { problemsOfSync, temporaryFolder } from '@pinlane/testing';
import { requireMayBuild, requireMayPin, requireMayPush } from '@pinlane/pipeline';
import { requireSecretsUnset } from '../../src/workspace/secrets.ts';
import { insecureRegistries, resolveSettings } from '../../src/workspace/settings.ts';

const codeOf = (work: () => unknown): string => problemsOfSync(work)[0]?.code ?? 'accepted';

describe('the settings of a build', () => {
  it('are those of lane local where nothing is said', () => {
    expect(resolveSettings({}, {})).toMatchObject({ lane: 'local', engine: 'auto', platforms: ['linux/amd64', 'linux/arm64'], push: false });
  });

  it('come from the environment, and an option wins over it', () => {
    const env = {
      PINLANE_LANE: 'staging',
      PINLANE_PLATFORMS: 'linux/arm64',
      PINLANE_PUSH: 'true',
      PINLANE_REGISTRY: 'ghcr.io/acme/',
      PINLANE_ENGINE: 'embedded',
    };
    expect(resolveSettings({}, env)).toMatchObject({ lane: 'staging', platforms: ['linux/arm64'], push: true, registry: 'ghcr.io/acme', engine: 'embedded' });
    expect(resolveSettings({ lane: 'pr', platforms: 'amd64', push: false, registry: 'host:5000', engine: 'docker' }, env)).toMatchObject({
      lane: 'pr',
      platforms: ['linux/amd64'],
      push: false,
      registry: 'host:5000',
      engine: 'docker',
    });
  });

  it('take an empty variable as unset', () => {
    expect(resolveSettings({}, { PINLANE_LANE: '', PINLANE_PLATFORMS: ' ', PINLANE_PUSH: '' })).toEqual(resolveSettings({}, {}));
  });

  it.each([
    ['ERR_LANE_UNKNOWN', { PINLANE_LANE: 'prod' }],
    ['ERR_OPTION_INVALID', { PINLANE_PUSH: 'perhaps' }],
    ['ERR_OPTION_INVALID', { PINLANE_ENGINE: 'podman' }],
    ['ERR_PLATFORM_INVALID', { PINLANE_PLATFORMS: 'linux/s390x' }],
    ['ERR_OPTION_INVALID', { PINLANE_REGISTRY: 'Ghcr.io/ACME x' }],
  ])('are refused with %s for %j', (code, env) => {
    expect(codeOf(() => resolveSettings({}, env))).toBe(code);
  });
});

describe('what a lane forbids', () => {
  it('is building in dev and main, pushing everywhere but in staging, pinning in pr, dev and main', () => {
    const refusing = (rule: (lane: 'local' | 'pr' | 'dev' | 'staging' | 'main') => void) =>
      (['local', 'pr', 'dev', 'staging', 'main'] as const).filter((lane) => codeOf(() => rule(lane)) === 'ERR_LANE_FORBIDS');
    expect(refusing(requireMayBuild)).toEqual(['dev', 'main']);
    expect(refusing(requireMayPush)).toEqual(['local', 'pr', 'dev', 'main']);
    expect(refusing(requireMayPin)).toEqual(['pr', 'dev', 'main']);
  });

  it('is a secret in pr and dev, of this processor or of another one, named without its value', async () => {
    const spec = { secrets: { required: ['A_KEY'], optional: ['B_KEY'] } };
    const root = temporaryFolder('secrets');
    await mkdir(join(root, 'processors/other'), { recursive: true });
    await writeFile(join(root, 'processors/other/registry.yaml'), 'ref: acme/other@1\nsecrets: { optional: [C_KEY] }\n');
    await mkdir(join(root, 'processors/broken'));
    await writeFile(join(root, 'processors/broken/registry.yaml'), 'ref: [\n');
    const refusal = (lane: 'pr' | 'dev' | 'staging', env: Record<string, string>) =>
      requireSecretsUnset(lane, spec, { root, env }).then(
        () => 'accepted',
        (error: Error) => error.message,
      );
    const named = (names: string) => expect.stringMatching(new RegExp(`ERR_LANE_SECRET_SET.* set (is|are) ${names}$`, 'm'));
    expect(await refusal('pr', { B_KEY: 'hush' })).toEqual(named('B_KEY'));
    expect(await refusal('pr', { C_KEY_STAGING: 'hush' })).toEqual(named('C_KEY_STAGING'));
    expect(await refusal('dev', { A_KEY: 'hush', B_KEY: 'x' })).toEqual(named('A_KEY, B_KEY'));
    expect(await refusal('dev', { A_KEY: 'hush' })).not.toContain('hush');
    expect(await refusal('pr', { A_KEY: '', D_KEY: 'x' })).toBe('accepted');
    expect(await refusal('staging', { A_KEY: 'hush' })).toBe('accepted');
  });
});

describe('registries that are spoken to by plain HTTP', () => {
  it('are those that are named, with commas between or repeated, and the option wins over the variable', () => {
    const env = { PINLANE_INSECURE_REGISTRY: 'a.example:5000, b.example' };
    expect([...insecureRegistries(undefined, env)]).toEqual(['a.example:5000', 'b.example']);
    expect([...insecureRegistries(['c.example,d.example', '[::2]:5000'], env)]).toEqual(['c.example', 'd.example', '[::2]:5000']);
    expect([...insecureRegistries(undefined, {})]).toEqual([]);
  });

  it.each(['http://a.example', 'a.example/path', 'user@a.example', 'a.example:', '-a', 'a b'])('can not be %j', (host) => {
    expect(codeOf(() => insecureRegistries([host], {}))).toBe('ERR_OPTION_INVALID');
  });
});

describe('the place that images are pushed to', () => {
  it.each(['https://ghcr.io/x', 'ghcr.io/X', '-x', 'a b'])('is refused by the name of what said so: %j', (registry) => {
    expect(() => resolveSettings({ registry }, {})).toThrow(/^ERR_OPTION_INVALID: --registry is .*, which is no place in a registry/);
    expect(() => resolveSettings({}, { PINLANE_REGISTRY: registry })).toThrow(/^ERR_OPTION_INVALID: PINLANE_REGISTRY is /);
  });
});
