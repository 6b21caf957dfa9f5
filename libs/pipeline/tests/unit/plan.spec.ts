import { describe, expect, it } from '@jest/globals';
import { isPinlaneError, type Digest, type ProcessorSpec } from '@pinlane/contracts';
import {
  fingerprintOf,
  imageProjection,
  parseSpec,
  planBuild,
  publishedRepository,
  repositoryOf,
  type BuildFacts,
  type FingerprintInput,
} from '../../src/index.ts';

const d = (digit: string) => `sha256:${digit.repeat(64)}` as Digest;
const { spec } = parseSpec('ref: llm/litellm@2\nimage: { repository: ghcr.io/acme/llm }\nsecrets: { required: [ACME], optional: [ACME_TOO] }\n', {
  file: 'r.yaml',
});
const facts = (more: Partial<BuildFacts> = {}): BuildFacts => ({
  lane: 'staging',
  platforms: ['linux/amd64'],
  push: false,
  buildArgs: {},
  bases: { 'store.localhost/base-node': `store.localhost/base-node@${d('b')}` },
  fingerprint: d('f'),
  ...more,
});

describe('the repository of an image', () => {
  const bare = parseSpec('ref: a/b@1\n', { file: 'r.yaml' }).spec;

  it('is the one of the spec, else below the registry that is given, else below the default one', () => {
    expect(publishedRepository(spec, undefined)).toBe('ghcr.io/acme/llm');
    expect(publishedRepository(spec, '127.0.0.1:5000//')).toBe('127.0.0.1:5000/llm-litellm');
    expect(publishedRepository(bare, undefined)).toBe('ghcr.io/pinlane/a-b');
  });

  it('is written in full, and refused if a registry can have none of that name', () => {
    expect(publishedRepository(bare, 'team')).toBe('docker.io/team/a-b');
    expect(() => publishedRepository(bare, 'https://ghcr.io')).toThrow(/ERR_REFERENCE_INVALID/);
  });

  it('is in the store unless the image is pushed', () => {
    expect(repositoryOf(spec, { push: false, registry: 'x.io' })).toBe('store.localhost/llm-litellm');
    expect(repositoryOf(spec, { push: true, registry: 'x.io' })).toBe('x.io/llm-litellm');
  });
});

describe('a build plan', () => {
  it('is what was asked for, with the stage of the spec unless another is named', () => {
    const staged = parseSpec('ref: a/b@1\nbuild: { target: run }\n', { file: 'r.yaml' }).spec;
    expect([planBuild(spec, facts()).target, planBuild(staged, facts()).target, planBuild(staged, facts({ target: 'test' })).target]).toEqual([
      null,
      'run',
      'test',
    ]);
    expect(planBuild(spec, facts({ platforms: ['linux/arm64'], push: true }))).toMatchObject({
      slug: 'llm-litellm',
      platforms: ['linux/arm64'],
      push: true,
      fingerprint: d('f'),
    });
    expect(() => planBuild(spec, facts({ platforms: [] }))).toThrow(/ERR_PLATFORM_INVALID: no platform is named/);
  });

  it('names no base in labels unless there is exactly one, by digest', () => {
    const named = (bases: Record<string, string>) => Object.keys(planBuild(spec, facts({ bases })).labels).filter((name) => name.includes('.base.'));
    expect(named({})).toEqual([]);
    expect(named({ a: `x.io/a@${d('1')}`, b: `x.io/b@${d('2')}` })).toEqual([]);
    expect(named({ a: `x.io/a@${d('1')}` })).toHaveLength(2);
  });

  it('names the store where nothing is pushed, and a registry where it is', () => {
    expect(planBuild(spec, facts()).repository).toBe('store.localhost/llm-litellm');
    expect(planBuild(spec, facts({ push: true })).repository).toBe('ghcr.io/acme/llm');
    expect(planBuild(spec, facts({ push: true, registry: '127.0.0.1:5000/team/' })).repository).toBe('127.0.0.1:5000/team/llm-litellm');
  });

  it('takes labels besides, also in place of the title and version that it gives, and none that it reads itself', () => {
    const labels = { 'org.opencontainers.image.title': 'Echo', team: 'a' };
    expect(planBuild(spec, facts({ labels })).labels).toMatchObject(labels);
    for (const name of ['dev.pinlane.fingerprint', 'dev.pinlane.ref', 'org.opencontainers.image.base.digest'])
      expect(() => planBuild(spec, facts({ labels: { [name]: 'x' } }))).toThrow(/ERR_OPTION_INVALID: --labels: \S+ is set by Pinlane itself/);
  });

  it('has only labels that follow from the fingerprint', () => {
    expect(planBuild(spec, facts()).labels).toEqual({
      'dev.pinlane.fingerprint': d('f'),
      'dev.pinlane.ref': 'llm/litellm@2',
      'org.opencontainers.image.title': 'llm-litellm',
      'org.opencontainers.image.version': '2',
      'org.opencontainers.image.base.name': 'store.localhost/base-node',
      'org.opencontainers.image.base.digest': d('b'),
    });
  });

  it('is refused in lanes that do not build, and a push in lanes that do not push', () => {
    for (const lane of ['dev', 'main'] as const) expect(() => planBuild(spec, facts({ lane }))).toThrow(/ERR_LANE_FORBIDS/);
    for (const lane of ['local', 'pr'] as const) expect(() => planBuild(spec, facts({ lane, push: true }))).toThrow(/ERR_LANE_FORBIDS/);
  });

  it('is refused with a build argument that is a secret, without showing its value', () => {
    const canary = `ghp_${'c4n4ry'.repeat(6)}`;
    for (const name of ['ACME', 'NPM_TOKEN', 'HARMLESS']) {
      const plan = () => planBuild(spec, facts({ buildArgs: { [name]: canary } }));
      expect(plan).toThrow(new RegExp(`ERR_SECRET_IN_BUILD_ARG: the build argument ${name}`));
      expect(plan).not.toThrow(new RegExp(canary));
    }
    expect(planBuild(spec, facts({ buildArgs: { NODE_ENV: 'production' } })).buildArgs).toEqual({ NODE_ENV: 'production' });
  });

  const withPublic = (...names: string[]): ProcessorSpec => ({ ...spec, build: { ...spec.build, public_args: names } });
  const refused = (name: string, value = 'x', of = spec, secretValues: string[] = []): boolean => {
    try {
      return planBuild(of, facts({ buildArgs: { [name]: value }, secretValues })).slug === '';
    } catch (thrown) {
      return isPinlaneError(thrown, 'ERR_SECRET_IN_BUILD_ARG');
    }
  };

  it('is refused with a build argument that holds the value of a known secret, unless that is too short to tell it from chance', () => {
    const plan = (secret: string) => () => planBuild(spec, facts({ buildArgs: { HARMLESS: `at ${secret} sharp` }, secretValues: [secret] }));
    expect(plan('half past')).toThrow(/ERR_SECRET_IN_BUILD_ARG: the build argument HARMLESS/);
    expect(plan('half past')).not.toThrow(/half past/);
    expect(plan('midday')).not.toThrow();
  });

  it.each(['ACME', 'ACME_TOO'])('is refused with a build argument that the processor has for a secret, whatever its value: %s', (name) => {
    expect(refused(name)).toBe(true);
  });

  it.each(
    'API_KEY ACCESS_KEY_ID SECRET MY_SECRETS TOKEN NPM_TOKEN NPMTOKEN npmToken npm-token API_TOKENS PGPASSWORD DB_PASS PASSPHRASE NPM_AUTH GITHUB_PAT JWT SIGNING_KEY CREDENTIALS dbPassword NPM_TOKEN_STAGING API_KEY_2 DB_PASSWORD_PROD SECRET_KEY clientSecret'.split(
      ' ',
    ),
  )('is refused with one that is called %s', (name) => expect(refused(name)).toBe(true));

  it.each(
    'PUBLIC_KEY MAX_TOKENS TOKENIZER NODE_ENV KEYBOARD AUTHOR PASS_THROUGH COMPAT PATH MONKEY AUTH_URL COMPASS TOKEN_LIMIT tokenLimit PASSWORD_MIN_LENGTH CACHE_KEY SORT_KEYS PRIMARY_KEY NPM_TOKEN_FILE PASSWORD_FILE SECRET_PATH API_KEY_HEADER SECRETS_DIR TOKEN_TTL PASSWORD_HASH_ROUNDS CREDENTIALS_FILE JWT_ALGORITHM'.split(
      ' ',
    ),
  )('may have one that is called %s', (name) => expect(refused(name)).toBe(false));

  it.each(['', 'true', 'False', '0', '1', 'no'])('may have one that is called as a secret, if no secret is %j', (value) => {
    expect(refused('NPM_TOKEN', value)).toBe(false);
  });

  it('takes one that registry.yaml calls public, whatever it looks like, and no other', () => {
    expect(refused('NPM_TOKEN', 'x', withPublic('NPM_TOKEN'))).toBe(false);
    expect(refused('GREETING', `ghp_${'a1'.repeat(12)}`, withPublic('GREETING'))).toBe(false);
    expect(refused('NPM_TOKEN', 'x', withPublic('GREETING', 'npm_token'))).toBe(true);
    expect(() => planBuild(spec, facts({ buildArgs: { NPM_TOKEN: 'x' } }))).toThrow(/fix: .*build\.public_args/);
  });

  it.each(['half past', `ghp_${'a1'.repeat(12)}`])('never takes the value of a known secret, nor a secret of the processor: %j', (secret) => {
    expect(refused('TOKEN_LIMIT', `<${secret}>`, withPublic('TOKEN_LIMIT'), [secret])).toBe(true);
    expect(refused('ACME', 'x', withPublic('ACME'))).toBe(true);
    expect(() => planBuild(withPublic('GREETING'), facts({ buildArgs: { GREETING: secret }, secretValues: [secret] }))).not.toThrow(new RegExp(secret));
  });

  it.each([
    ` ghp_${'a1'.repeat(12)}\n`,
    `--token=ghp_${'a1'.repeat(12)}`,
    `npm_${'a1'.repeat(18)}`,
    `glpat-${'a1'.repeat(10)}`,
    `hf_${'a1'.repeat(17)}`,
    `AIza${'a'.repeat(35)}`,
    `ASIA${'A'.repeat(16)}`,
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl',
    'Authorization: Bearer abcdefgh1234',
    'postgres://user:hunter2@db/x',
    'https://:hunter2@example.com/',
  ])('is refused with one whose value is recognised: %j', (value) => expect(refused('GREETING', value)).toBe(true));

  it.each(['https://example.com:8080/a@b', 'git@github.com:acme/x.git', 'sk-short', 'mask-of-something-long-and-plain', 'eyJ', 'a: b', 'bearer of news'])(
    'may have one whose value is plain: %j',
    (value) => expect(refused('GREETING', value)).toBe(false),
  );
});

describe('the fingerprint', () => {
  const file = (path: string, sha256: Digest = d('1')) => ({ path, type: 'file' as const, mode: 0o644, sha256, linkTarget: null });
  const input: FingerprintInput = {
    assembler: '1',
    entries: [file('a'), file('b')],
    dockerfile: 'FROM scratch\n',
    buildArgs: {},
    target: null,
    projection: imageProjection(spec),
    bases: { base: `x.io/base@${d('b')}` },
  };

  it('does not depend on the order of entries', () => {
    expect(fingerprintOf({ ...input, entries: [file('b'), file('a')] })).toBe(fingerprintOf(input));
  });

  it('depends on every other thing an image is made from', () => {
    const others: Partial<FingerprintInput>[] = [
      { assembler: '2' },
      { entries: [file('a'), file('c')] },
      { entries: [file('a'), file('b', d('2'))] },
      { entries: [file('a'), { ...file('b'), mode: 0o755 }] },
      { dockerfile: 'FROM scratch\n\n' },
      { buildArgs: { A: '1' } },
      { target: 'x' },
      { projection: { ...imageProjection(spec), runtime: { ...spec.runtime, cpu: 9 } } },
      { bases: { base: `x.io/base@${d('c')}` } },
    ];
    const all = [input, ...others.map((other) => ({ ...input, ...other }))].map(fingerprintOf);
    expect(new Set(all).size).toBe(all.length);
  });
});
