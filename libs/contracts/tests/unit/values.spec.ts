import { describe, expect, it } from '@jest/globals';
import {
  architectureOf,
  architectureOfMachine,
  ARCHITECTURES,
  formatReference,
  isStoreReference,
  LANE_TABLE,
  LANES,
  parseDigest,
  parsePinnedReference,
  parsePlatforms,
  parseReference,
  parseRepository,
  pinnedReferenceSchema,
  PLATFORMS,
  refParts,
  refSchema,
  registryHostFault,
  shortDigest,
} from '../../src/index.ts';

const HEX = 'a1'.repeat(32);
const DIGEST = `sha256:${HEX}`;

describe('a digest', () => {
  it('is sha256: and 64 lower-case hexadecimal digits', () => {
    expect(shortDigest(parseDigest(DIGEST))).toBe('a1a1a1a1a1a1');
  });

  it.each(['', HEX, `sha256:${HEX}0`, `sha256:${HEX.slice(1)}`, DIGEST.toUpperCase(), `sha512:${HEX}`, ` ${DIGEST}`, `${DIGEST}\n`, `SHA256:${HEX}`])(
    'is not %j',
    (text) => {
      expect(() => parseDigest(text)).toThrow(/ERR_DIGEST_INVALID/);
    },
  );
});

describe('an image reference', () => {
  it.each([
    ['alpine', 'docker.io/library/alpine'],
    ['alpine:3.20', 'docker.io/library/alpine:3.20'],
    ['team/app', 'docker.io/team/app'],
    ['ghcr.io/pinlane/llm-litellm:v1', 'ghcr.io/pinlane/llm-litellm:v1'],
    [`ghcr.io/a/b_c.d--e@${DIGEST}`, `ghcr.io/a/b_c.d--e@${DIGEST}`],
    [`localhost:5000/x:t@${DIGEST}`, `localhost:5000/x:t@${DIGEST}`],
    ['[::1]:5000/x/y', '[::1]:5000/x/y'],
    ['localhost/x', 'localhost/x'],
  ])('%s is %s in full', (text, full) => {
    expect(formatReference(parseReference(text))).toBe(full);
  });

  it.each([
    '',
    ' ',
    'A/b',
    'ghcr.io/',
    'ghcr.io//x',
    'ghcr.io/x/',
    'x:',
    'x:y:z',
    `x@${DIGEST}@${DIGEST}`,
    `x@sha256:${HEX.slice(2)}`,
    'x@latest',
    'ghcr.io/../etc',
    'ghcr.io/a..b',
    '-x.io/y',
    'x.io/-y',
    'x.io/y\n',
    'x.io/${{ y }}',
    `x.io/${'y'.repeat(300)}`,
    'https://ghcr.io/x',
    'user@ghcr.io/x',
  ])('cannot be made from %j', (text) => {
    expect(() => parseReference(text)).toThrow(/ERR_REFERENCE_INVALID/);
  });

  it('is a pin only with a digest and without a tag', () => {
    expect(parsePinnedReference(`ghcr.io/a/b@${DIGEST}`)).toEqual({ host: 'ghcr.io', path: 'a/b', digest: DIGEST });
    expect(() => parsePinnedReference('ghcr.io/a/b:1')).toThrow(/names a digest/);
    expect(() => parsePinnedReference(`ghcr.io/a/b:1@${DIGEST}`)).toThrow(/names no tag/);
  });

  it('names a repository only without either', () => {
    expect(parseRepository('store.localhost/a-b')).toEqual({ host: 'store.localhost', path: 'a-b' });
    expect(isStoreReference(parseRepository('store.localhost/a-b'))).toBe(true);
    expect(isStoreReference(parseRepository('ghcr.io/store.localhost'))).toBe(false);
    expect(() => parseRepository('ghcr.io/a/b:1')).toThrow(/ERR_REFERENCE_INVALID/);
  });
});

describe('a ref', () => {
  it('has a namespace, a name, a major version and a slug', () => {
    expect(refParts(refSchema.parse('llm/lite-llm@12'))).toEqual({ namespace: 'llm', name: 'lite-llm', major: 12, slug: 'llm-lite-llm' });
  });

  it.each([
    '',
    'a',
    'a/b',
    'a/b@0',
    'a/b@01',
    'a/b@x',
    'A/b@1',
    'a/b/c@1',
    '-a/b@1',
    'a-/b@1',
    'a/b--c@1',
    'a/b@1\n',
    '../b@1',
    'a/${{ x }}@1',
    `${'a'.repeat(80)}/b@1`,
  ])('cannot be made from %j', (text) => {
    expect(refSchema.safeParse(text).success).toBe(false);
  });
});

describe('a list of platforms', () => {
  it('is sorted, has no repeats and understands bare architectures', () => {
    expect(parsePlatforms('linux/arm64, amd64,linux/arm64')).toEqual(['linux/amd64', 'linux/arm64']);
  });

  it.each(['', ',', 'linux/386', 'windows/amd64', 'linux/amd64/v2', 'unknown/unknown'])('cannot be made from %j', (text) => {
    expect(() => parsePlatforms(text)).toThrow(/ERR_PLATFORM_INVALID/);
  });

  it('has one of each architecture, and no other', () => {
    expect(PLATFORMS).toEqual(['linux/amd64', 'linux/arm64']);
    expect(parsePlatforms([...ARCHITECTURES].reverse())).toEqual(PLATFORMS);
    expect(PLATFORMS.map(architectureOf)).toEqual(ARCHITECTURES);
  });

  it('knows the machine from the name that Node gives it', () => {
    expect(['x64', 'arm64'].map(architectureOfMachine)).toEqual(['amd64', 'arm64']);
    expect(() => architectureOfMachine('riscv64')).toThrow(/ERR_PLATFORM_INVALID/);
  });
});

describe('the lane table', () => {
  it('lets no lane deploy what it did not get pinned, but for a developer by hand', () => {
    for (const lane of LANES) if (LANE_TABLE[lane].deploysTo !== null && lane !== 'local') expect(LANE_TABLE[lane].imageUnderTest).toBe('pinned');
  });

  it('lets staging alone push and write pins by itself', () => {
    expect(LANES.filter((lane) => LANE_TABLE[lane].mayPush)).toEqual(['staging']);
    expect(LANES.filter((lane) => LANE_TABLE[lane].writesPins === 'yes')).toEqual(['staging']);
  });

  it('lets dev and main build nothing, and trusts store pins in local alone', () => {
    expect(LANES.filter((lane) => LANE_TABLE[lane].builds.length === 0)).toEqual(['dev', 'main']);
    expect(LANES.filter((lane) => LANE_TABLE[lane].acceptsStorePins)).toEqual(['local']);
  });
});

describe('the host of a registry', () => {
  it.each([
    'localhost:99999',
    'localhost:0',
    'localhost:00080',
    '256.1.1.1:5000',
    '1.2.3',
    '127.1:5000',
    '0x7f.1',
    '0177.0.0.1',
    '127.0.0.1.1',
    'registry.123',
    '[:::::]:1',
    '[0:0:0:0:0:0:0:1]:5000',
    '[::1',
    '[1]',
    `${'a'.repeat(64)}.example`,
    `${'abcdefg.'.repeat(32)}example`,
    'a..b',
    'a_b.example',
    'me@host.example',
    'http://host.example',
    'Store.Localhost',
    'host.example:',
    'host.example:5000:5000',
    'host.example:+1',
  ])('is not %s, and a reference that names it is refused by its code', (host) => {
    expect(registryHostFault(host)).not.toBeNull();
    expect(() => parseReference(`${host}/name`)).toThrow(/^ERR_REFERENCE_INVALID: /);
    expect(pinnedReferenceSchema.safeParse(`${host}/name@sha256:${'a'.repeat(64)}`).success).toBe(false);
  });

  it.each([
    'localhost',
    'localhost:1',
    'ghcr.io',
    'GHCR.io',
    '127.0.0.1:65535',
    '[::1]:5000',
    '[2001:db8::a]',
    'a-b.1c.example:443',
    'store.localhost',
    'xn--80ak6aa92e.com',
  ])('may be %s', (host) => {
    expect(registryHostFault(host)).toBeNull();
    if (host !== 'localhost') expect(parseReference(`${host}/name`).host).toBe(host);
  });
});
