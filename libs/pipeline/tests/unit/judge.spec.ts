import { describe, expect, it } from '@jest/globals';
import { LANES, platformOf, type Architecture, type Digest, type ErrorCode, type Lane } from '@pinlane/contracts';
import { judgePins, listedBy, ownerProblem, parseSpec, requirePinned, type Seen, type SeenImage } from '../../src/index.ts';

const FILE = 'r.yaml';
const d = (digit: string) => `sha256:${digit.repeat(64)}` as Digest;
const AT = 'ghcr.io/acme/acme-one';

/** The pins of a registry.yaml, each as a digest or as a whole reference. */
interface Pins {
  readonly amd64?: string;
  readonly arm64?: string;
  readonly index?: string;
  readonly fingerprint?: Digest;
  readonly repository?: string;
}
const WHOLE = { amd64: d('1'), arm64: d('2'), index: d('3') };

const pinned = ({ amd64, arm64, index, fingerprint, repository = AT }: Pins) => {
  const written = (pin: string | undefined) => (pin === undefined ? 'null' : JSON.stringify(pin.includes('@') ? pin : `${AT}@${pin}`));
  const text = [
    'ref: acme/one@1',
    'image:',
    `  repository: ${repository}`,
    `  platforms: { amd64: ${written(amd64)}, arm64: ${written(arm64)} }`,
    `  index: ${written(index)}`,
    `  source: { fingerprint: ${fingerprint ?? 'null'} }`,
    '',
  ];
  return requirePinned(parseSpec(text.join('\n'), { file: FILE }).spec, { file: FILE, platforms: [] });
};

const image = (architecture: Architecture, digest: Digest, more: Partial<SeenImage> = {}): SeenImage => ({
  digest,
  platform: platformOf(architecture),
  fingerprint: d('f'),
  title: 'acme-one',
  ...more,
});
const index = (...images: SeenImage[]): Seen => ({ kind: 'index', images });
const manifest = (one: SeenImage): Seen => ({ kind: 'manifest', images: [one] });
const lost = (code: ErrorCode): Seen => ({ problems: [{ code, message: 'm' }] });

const [AMD64, ARM64] = [image('amd64', d('1')), image('arm64', d('2'))];
const BOTH = index(AMD64, ARM64);

interface Case {
  readonly pins: Pins;
  readonly index: Seen | null;
  readonly amd64?: Seen;
  readonly arm64?: Seen;
}

const judge = ({ pins, index: seen, amd64, arm64 }: Case, lane: Lane = 'local') =>
  judgePins(pinned(pins), { index: seen, platforms: { ...(amd64 && { amd64 }), ...(arm64 && { arm64 }) } }, { file: FILE, lane });

describe('a judgement of pins', () => {
  it('finds good what is there, whole, and what it is pinned for', () => {
    expect(judge({ pins: { ...WHOLE, fingerprint: d('f') }, index: BOTH }, 'main')).toEqual({
      file: FILE,
      ref: 'acme/one@1',
      outcome: 'good',
      pins: { amd64: `${AT}@${d('1')}`, arm64: `${AT}@${d('2')}`, index: `${AT}@${d('3')}` },
      findings: [],
      remarks: [],
    });
  });

  it('finds good a platform that is pinned without an index, and unpinned what has no pin', () => {
    expect(judge({ pins: { amd64: d('1') }, index: null, amd64: manifest(AMD64) })).toMatchObject({ outcome: 'good', findings: [] });
    expect(judge({ pins: {}, index: null })).toMatchObject({ outcome: 'unpinned', pins: {}, findings: [] });
  });

  const OTHER = index(image('amd64', d('5')), image('arm64', d('6')));
  const STRANGER = index(image('amd64', d('1'), { title: 'acme-two' }), image('arm64', d('2'), { title: 'acme-two' }));
  const BAD: [string, Case, string[]][] = [
    [
      'a platform manifest that is gone, and so the index over it',
      { pins: WHOLE, index: lost('ERR_MANIFEST_UNKNOWN'), amd64: manifest(AMD64), arm64: lost('ERR_MANIFEST_UNKNOWN') },
      ['index ERR_MANIFEST_UNKNOWN', 'arm64 ERR_MANIFEST_UNKNOWN'],
    ],
    [
      'an index that is gone',
      { pins: WHOLE, index: lost('ERR_MANIFEST_UNKNOWN'), amd64: manifest(AMD64), arm64: manifest(ARM64) },
      ['index ERR_MANIFEST_UNKNOWN'],
    ],
    [
      'a layer that is gone',
      { pins: WHOLE, index: lost('ERR_BLOB_UNKNOWN'), amd64: lost('ERR_BLOB_UNKNOWN'), arm64: manifest(ARM64) },
      ['index ERR_BLOB_UNKNOWN', 'amd64 ERR_BLOB_UNKNOWN'],
    ],
    [
      'bytes that were altered',
      { pins: WHOLE, index: lost('ERR_DIGEST_MISMATCH'), amd64: lost('ERR_DIGEST_MISMATCH'), arm64: manifest(ARM64) },
      ['index ERR_DIGEST_MISMATCH', 'amd64 ERR_DIGEST_MISMATCH'],
    ],
    [
      'platforms that were taken for each other',
      { pins: { ...WHOLE, amd64: d('2'), arm64: d('1') }, index: BOTH, amd64: manifest(ARM64), arm64: manifest(AMD64) },
      ['amd64 ERR_PIN_UNVERIFIED', 'amd64 ERR_PIN_UNVERIFIED', 'arm64 ERR_PIN_UNVERIFIED', 'arm64 ERR_PIN_UNVERIFIED'],
    ],
    [
      'a platform that is pinned in a repository where it is not',
      { pins: { ...WHOLE, amd64: `ghcr.io/acme/elsewhere@${d('1')}` }, index: BOTH, amd64: lost('ERR_MANIFEST_UNKNOWN') },
      ['amd64 ERR_MANIFEST_UNKNOWN'],
    ],
    ['an index where a platform is pinned', { pins: { amd64: d('3') }, index: null, amd64: BOTH }, ['amd64 ERR_PIN_UNVERIFIED']],
    ['a platform where the index is pinned', { pins: { index: d('1') }, index: manifest(AMD64) }, ['index ERR_PIN_UNVERIFIED']],
    [
      'an index that lists another manifest than the one that is pinned',
      { pins: WHOLE, index: OTHER, amd64: manifest(AMD64), arm64: manifest(ARM64) },
      ['amd64 ERR_PIN_UNVERIFIED', 'arm64 ERR_PIN_UNVERIFIED'],
    ],
    ['an index that lists a pinned platform not at all', { pins: WHOLE, index: index(AMD64), arm64: manifest(ARM64) }, ['arm64 ERR_PIN_UNVERIFIED']],
    ['an image of another processor', { pins: WHOLE, index: STRANGER }, ['amd64 ERR_PIN_UNVERIFIED', 'arm64 ERR_PIN_UNVERIFIED']],
    ['a fingerprint that was edited', { pins: { ...WHOLE, fingerprint: d('0') }, index: BOTH }, ['index ERR_PIN_UNVERIFIED']],
    [
      'a manifest for amd64 that the index lists for arm64',
      { pins: WHOLE, index: lost('ERR_MANIFEST_INVALID'), amd64: manifest(AMD64), arm64: manifest(image('amd64', d('2'))) },
      ['index ERR_MANIFEST_INVALID', 'arm64 ERR_PIN_UNVERIFIED'],
    ],
  ];
  it.each(BAD)('finds bad: %s', (_, seen, expected) => {
    const { outcome, findings } = judge(seen);
    expect({ outcome, findings: findings.map(({ pin, code }) => `${pin} ${code}`).sort() }).toEqual({ outcome: 'bad', findings: [...expected].sort() });
  });

  it('says what it found and what it should have been', () => {
    const messages = (seen: Case) => judge(seen).findings.map(({ message }) => message);
    expect(messages({ pins: { ...WHOLE, amd64: d('7') }, index: BOTH, amd64: manifest(image('arm64', d('7'))) })).toEqual([
      '777777777777 is pinned for linux/amd64, and the pinned index lists 111111111111',
      '777777777777 is an image for linux/arm64',
    ]);
    expect(messages({ pins: WHOLE, index: index(AMD64), arm64: manifest(ARM64) })).toEqual([
      '222222222222 is pinned for linux/arm64, and the pinned index does not list it',
    ]);
    expect(messages({ pins: { ...WHOLE, fingerprint: d('0') }, index: BOTH })).toEqual([
      'registry.yaml says that the images were built from 000000000000, and they say ffffffffffff',
    ]);
  });

  it.each(['ERR_REGISTRY_UNAVAILABLE', 'ERR_REGISTRY_AUTH', 'ERR_REGISTRY_DENIED'] as const)('could not tell after %s, whatever else was found', (code) => {
    const seen = { pins: WHOLE, index: lost('ERR_MANIFEST_UNKNOWN'), amd64: lost(code), arm64: manifest(ARM64) };
    expect(judge(seen).outcome).toBe('unknown');
  });

  it('finds pins of the local store bad in lanes that need a published image, and then nothing was looked at', () => {
    const pins = { ...WHOLE, amd64: `store.localhost/acme-one@${d('1')}`, index: `store.localhost/acme-one@${d('3')}` };
    for (const lane of LANES.filter((each) => each !== 'local'))
      expect(judge({ pins, index: null }, lane)).toMatchObject({
        outcome: 'bad',
        findings: ['amd64', 'index'].map((pin) => ({ pin, code: 'ERR_PIN_LOCAL', message: expect.stringContaining(`lane ${lane} needs`) })),
      });
    expect(judge({ pins, index: BOTH, arm64: manifest(ARM64) }, 'local').findings).toEqual([]);
  });

  it('takes no pin for good that was not looked at', () => {
    expect(() => judge({ pins: WHOLE, index: null, amd64: manifest(AMD64), arm64: manifest(ARM64) })).toThrow(/ERR_INTERNAL: the pin of index/);
    expect(() => judge({ pins: WHOLE, index: OTHER, amd64: manifest(AMD64) })).toThrow(/ERR_INTERNAL: the pin of arm64/);
  });

  it('finds no fault in a fingerprint that images do not tell, or tell differently because one of them was kept', () => {
    const silent = index(image('amd64', d('1'), { fingerprint: null }), image('arm64', d('2'), { fingerprint: null }));
    const kept = index(AMD64, image('arm64', d('2'), { fingerprint: d('e') }));
    for (const seen of [silent, kept]) expect(judge({ pins: { ...WHOLE, fingerprint: d('0') }, index: seen }).findings).toEqual([]);
  });

  it('remarks on other repositories and on platforms that are listed and not pinned, and finds no fault in them', () => {
    const { outcome, remarks } = judge({
      pins: { amd64: d('1'), index: `quay.io/acme/one@${d('3')}`, repository: 'x.io/y' },
      index: BOTH,
      amd64: manifest(AMD64),
    });
    expect({ outcome, remarks }).toEqual({
      outcome: 'good',
      remarks: [
        `the pins name ${AT}, and image.repository is x.io/y`,
        'the pins name quay.io/acme/one, and image.repository is x.io/y',
        `the pins name several repositories: ${AT}, quay.io/acme/one`,
        'the pinned index also lists linux/arm64, which is not pinned',
      ],
    });
  });
});

describe('a pinned index', () => {
  it('answers for a platform if it lists the very manifest that is pinned, in the same repository', () => {
    expect(listedBy(BOTH, pinned(WHOLE), 'arm64')).toBe(ARM64);
  });

  it.each<[string, Pins, Seen | null]>([
    ['that was not looked at', WHOLE, null],
    ['that is gone', WHOLE, lost('ERR_MANIFEST_UNKNOWN')],
    ["that is one platform's manifest", WHOLE, manifest(ARM64)],
    ['that lists another manifest', { ...WHOLE, arm64: d('9') }, BOTH],
    ['that does not list it', WHOLE, index(AMD64)],
    ['in another repository', { ...WHOLE, index: `ghcr.io/acme/elsewhere@${d('3')}` }, BOTH],
    ['that is not pinned', { arm64: d('2') }, BOTH],
    ['for a platform that is not pinned', { amd64: d('1'), index: d('3') }, BOTH],
  ])('answers for no platform %s', (_, pins, seen) => {
    expect(listedBy(seen, pinned(pins), 'arm64')).toBeNull();
  });
});

describe('the processor of an image', () => {
  const { spec } = parseSpec('ref: acme/one@1\n', { file: FILE });

  it('is the one it says, or may be any if Pinlane did not build the image', () => {
    for (const seen of [AMD64, { ...AMD64, title: null }, { ...AMD64, title: 'acme-two', fingerprint: null }]) expect(ownerProblem(spec, seen)).toBeNull();
  });

  it('is told if it is another, and of a long name the beginning', () => {
    expect(ownerProblem(spec, { ...AMD64, title: 'acme-two' })).toEqual({
      code: 'ERR_PIN_UNVERIFIED',
      message: `${d('1')} is an image of "acme-two", not of acme-one`,
    });
    expect(ownerProblem(spec, { ...AMD64, title: 'x'.repeat(500) })?.message).toContain(`"${'x'.repeat(200)}"`);
  });
});
