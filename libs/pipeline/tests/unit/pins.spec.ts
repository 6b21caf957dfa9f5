import { describe, expect, it } from '@jest/globals';
import { platformOf, type Architecture, type Digest, type PinFinding, type PinName } from '@pinlane/contracts';
import {
  applyPins,
  checkPins,
  indexPinOf,
  parseSpec,
  pinReport,
  pinsOf,
  pinsSay,
  planPins,
  renderPinReport,
  requirePinned,
  storePins,
  type PinFacts,
  type SeenImage,
} from '../../src/index.ts';

const FILE = { file: 'r.yaml' };
const d = (digit: string) => `sha256:${digit.repeat(64)}` as Digest;
const facts = (more: Partial<PinFacts> = {}): PinFacts => ({
  repository: 'store.localhost/a-b',
  platforms: { amd64: d('1'), arm64: d('2') },
  index: d('3'),
  fingerprint: d('f'),
  revision: 'a'.repeat(40),
  ...more,
});
const specOf = (text: string) => parseSpec(text, FILE).spec;
const pin = (text: string, wanted: PinFacts) => applyPins(text, planPins(specOf(text), wanted), FILE);
const PINNED = pin('ref: a/b@1\n', facts());

describe('pins', () => {
  it('are written in the order of the reference page into a file that has none', () => {
    expect(PINNED).toBe(
      [
        'ref: a/b@1',
        'image:',
        '  platforms:',
        `    amd64: store.localhost/a-b@${d('1')}`,
        `    arm64: store.localhost/a-b@${d('2')}`,
        `  index: store.localhost/a-b@${d('3')}`,
        '  source:',
        `    fingerprint: ${d('f')}`,
        `    revision: ${'a'.repeat(40)}`,
        '',
      ].join('\n'),
    );
  });

  it('keep the quotes of the values they replace, and a revision of digits stays text', () => {
    const quoted = `ref: a/b@1\nimage:\n  index: 'x.io/y@${d('9')}' # kept\n  source: { revision: "${'b'.repeat(40)}" }\n`;
    const written = pin(quoted, facts({ revision: '1'.repeat(40) }));
    expect(written).toContain(`  index: 'store.localhost/a-b@${d('3')}' # kept\n`);
    expect(specOf(written).image?.source?.revision).toBe('1'.repeat(40));
  });

  it('are not touched where nothing changed, not even for a later commit', () => {
    expect(planPins(specOf(PINNED), facts({ revision: 'c'.repeat(40) }))).toEqual([]);
  });

  it('that name a published image stay where the same image is built here, and go where it is another one', () => {
    const published = pin('ref: a/b@1\n', facts({ repository: 'ghcr.io/x/a-b' }));
    expect(planPins(specOf(published), facts({ revision: 'c'.repeat(40) }))).toEqual([]);
    const other = pin(published, facts({ platforms: { amd64: d('1'), arm64: d('5') }, index: d('6') }));
    expect(other).not.toContain('ghcr.io');
    expect(other).toContain(`amd64: store.localhost/a-b@${d('1')}`);
    // Another place to publish is meant.
    expect(pin(published, facts({ repository: 'quay.io/x/a-b' }))).toContain(`amd64: quay.io/x/a-b@${d('1')}`);
  });

  it('that name another place are told as changed, though the image is the same', () => {
    const published = pin(PINNED, facts({ repository: 'ghcr.io/x/a-b' }));
    const report = renderPinReport(pinReport(specOf(PINNED), specOf(published), { file: 'r.yaml', outcome: 'pinned' }));
    expect(report).toContain('linux/amd64 111111111111 (store.localhost/a-b -> ghcr.io/x/a-b)');
    expect(report).toContain('index       333333333333 (store.localhost/a-b -> ghcr.io/x/a-b)');
    expect(report).toContain('source      ffffffffffff (unchanged)');
  });

  it('of one platform leave the other alone', () => {
    const edits = planPins(specOf(PINNED), facts({ platforms: { arm64: d('5') }, index: d('6'), kept: { amd64: d('f') } }));
    expect(edits.map(({ path }) => path.join('.'))).toEqual(['image.platforms.arm64', 'image.index']);
  });
});

describe('the fingerprint that pins claim', () => {
  const newer = { platforms: { arm64: d('5') }, index: d('6'), fingerprint: d('e'), revision: 'b'.repeat(40) };

  it('stays the old one while a kept platform was built from older source', () => {
    const spec = specOf(pin(PINNED, facts({ ...newer, kept: { amd64: d('f') } })));
    expect(spec.image?.source).toEqual({ fingerprint: d('f'), revision: 'a'.repeat(40) });
  });

  it('moves when the kept platform was built from the same source', () => {
    const spec = specOf(pin(PINNED, facts({ ...newer, kept: { amd64: d('e') } })));
    expect(spec.image?.source).toEqual({ fingerprint: d('e'), revision: 'b'.repeat(40) });
  });

  it('is taken back where it claims more than a kept platform says of itself', () => {
    const spec = specOf(pin(PINNED, facts({ platforms: { arm64: d('5') }, index: d('6'), kept: { amd64: null } })));
    expect(spec.image?.source?.fingerprint).toBeNull();
  });

  it('is taken back for the kept platform of older source, also if another one was kept that is not', () => {
    const edits = planPins(specOf(PINNED), facts({ platforms: {}, kept: { amd64: d('f'), arm64: d('0') } }));
    expect(edits).toEqual([{ path: ['image', 'source', 'fingerprint'], value: d('0') }]);
  });
});

describe('a spec', () => {
  it('passes for pinned only with both platforms', () => {
    expect(requirePinned(specOf(PINNED), FILE).pins.amd64?.digest).toBe(d('1'));
    expect(() => requirePinned(specOf('ref: a/b@1\n'), FILE)).toThrow(/ERR_IMAGE_UNPINNED: r.yaml: a\/b@1 has no pin for linux\/amd64 and linux\/arm64/);
  });

  it('passes for pinned with the platforms that are needed, and as it is where none is', () => {
    const half = specOf(`ref: a/b@1\nimage: { platforms: { arm64: "x.io/y@${d('2')}" } }\n`);
    expect(requirePinned(half, { ...FILE, platforms: ['linux/arm64'] }).pins.arm64?.digest).toBe(d('2'));
    expect(() => requirePinned(half, { ...FILE, platforms: ['linux/amd64'] })).toThrow(/no pin for linux\/amd64$/m);
    expect(() => requirePinned(half, FILE)).toThrow(/no pin for linux\/amd64 and the index$/m);
    expect(requirePinned(specOf('ref: a/b@1\n'), { ...FILE, platforms: [] })).toMatchObject({ pins: {}, indexPin: null });
  });

  it('passes for published only in lane local while its pins name the store', () => {
    expect(() => requirePinned(specOf(PINNED), { ...FILE, lane: 'local' })).not.toThrow();
    for (const lane of ['pr', 'dev', 'staging', 'main'] as const)
      expect(() => requirePinned(specOf(PINNED), { ...FILE, lane })).toThrow(
        /ERR_PIN_LOCAL: .* named by linux\/amd64 and linux\/arm64 and the index of a\/b@1, and lane \w+ needs/,
      );
  });
});

describe('the pins of a spec', () => {
  const half = specOf(`ref: a/b@1\nimage: { platforms: { amd64: null, arm64: "store.localhost/a-b@${d('2')}" }, index: "ghcr.io/x/y@${d('3')}" }\n`);

  it('are parsed, and those that are null or missing are none', () => {
    expect(pinsOf(half)).toEqual({ arm64: { host: 'store.localhost', path: 'a-b', digest: d('2') } });
    expect(indexPinOf(half)).toEqual({ host: 'ghcr.io', path: 'x/y', digest: d('3') });
    for (const text of ['ref: a/b@1\n', 'ref: a/b@1\nimage: { platforms: null, index: null }\n'])
      expect([pinsOf(specOf(text)), indexPinOf(specOf(text))]).toEqual([{}, null]);
  });

  it('that name the store are those that no lane takes but local', () => {
    const pinned = { pins: pinsOf(half), indexPin: indexPinOf(half) };
    expect([storePins(pinned, 'local'), storePins(pinned, 'pr'), storePins(pinned, 'main')]).toEqual([[], ['arm64'], ['arm64']]);
    const all = { pins: pinsOf(specOf(PINNED)), indexPin: indexPinOf(specOf(PINNED)) };
    expect(storePins(all, 'staging')).toEqual(['amd64', 'arm64', 'index']);
  });
});

describe('whether pins say what pinning a build would write', () => {
  const { repository, platforms, index, fingerprint } = facts();
  const built = { repository, platforms, index, fingerprint: fingerprint as Digest };

  it('holds right after it was pinned, and also if the pins name a published image', () => {
    expect(pinsSay(specOf(PINNED), built)).toBe(true);
    expect(pinsSay(specOf(pin('ref: a/b@1\n', facts({ repository: 'ghcr.io/x/a-b' }))), built)).toBe(true);
  });

  it('does not hold for more platforms or fewer than were built', () => {
    const { amd64 } = platforms;
    expect(pinsSay(specOf(PINNED), { ...built, platforms: { amd64: amd64 as Digest } })).toBe(false);
    expect(pinsSay(specOf(pin('ref: a/b@1\n', facts({ platforms: { amd64: amd64 as Digest } }))), built)).toBe(false);
    const older = pin('ref: a/b@1\n', facts({ fingerprint: d('0') }));
    expect(pinsSay(specOf(older), { ...built, platforms: { amd64: amd64 as Digest } })).toBe(false);
  });

  it('does not hold without pins', () => {
    for (const spec of [null, 1, 'image', [], {}, { image: null }, { image: 'x' }, { image: {} }, { image: { platforms: null } }, specOf('ref: a/b@1\n')])
      expect(pinsSay(spec, built)).toBe(false);
  });
});

describe('a check of pins', () => {
  const seen = (architecture: Architecture, fingerprint: Digest | null): SeenImage => ({
    digest: d('1'),
    platform: platformOf(architecture),
    fingerprint,
    title: null,
  });
  const both = (amd64: Digest | null, arm64: Digest | null) => ({ amd64: seen('amd64', amd64), arm64: seen('arm64', arm64) });
  const check = (text: string, fingerprint: Digest, gone: readonly PinName[] = [], images: Partial<Record<Architecture, SeenImage>> = both(d('f'), d('f'))) =>
    checkPins(specOf(text), {
      fingerprint,
      platforms: ['linux/amd64', 'linux/arm64'],
      findings: gone.map((pin) => ({ pin, code: 'ERR_MANIFEST_UNKNOWN', message: 'not found' })),
      images,
    });

  it('finds them current where source and images are what was pinned', () => {
    expect(check(PINNED, d('f'))).toEqual({ outcome: 'current', reasons: [] });
  });

  it('finds them stale when the source has moved, an image is gone or a platform was never pinned', () => {
    expect(check(PINNED, d('0')).reasons).toEqual(['the source has changed since it was pinned (ffffffffffff -> 000000000000)']);
    expect(check(PINNED, d('f'), ['arm64']).reasons).toEqual(['the image pinned for linux/arm64, 222222222222, is gone, or a part of it']);
    expect(check('ref: a/b@1\n', d('f'))).toEqual({
      outcome: 'stale',
      reasons: ['linux/amd64 is not pinned', 'linux/arm64 is not pinned', 'the index is not pinned', 'the pins do not say what they were built from'],
    });
  });

  it('finds them stale when registry.yaml claims the source and an image does not, whoever edited it', () => {
    const says = (images: ReturnType<typeof both>) => check(PINNED, d('f'), [], images);
    expect(says(both(d('f'), d('e')))).toEqual({
      outcome: 'stale',
      reasons: ['the image pinned for linux/arm64 was built from eeeeeeeeeeee, and registry.yaml says ffffffffffff'],
    });
    expect(says(both(null, null)).reasons).toEqual([
      'the image pinned for linux/amd64 does not say what it was built from, and registry.yaml says ffffffffffff',
      'the image pinned for linux/arm64 does not say what it was built from, and registry.yaml says ffffffffffff',
    ]);
    // Where the source has moved, that is reason enough.
    expect(check(PINNED, d('0'), [], both(d('e'), d('e'))).reasons).toHaveLength(1);
  });

  it('names a pin that is gone once, and what is wrong with it in the words that the audit found', () => {
    const finding = (pin: PinName, code: PinFinding['code']): PinFinding => ({ pin, code, message: `m ${code}` });
    const findings = [
      finding('amd64', 'ERR_MANIFEST_UNKNOWN'),
      finding('amd64', 'ERR_BLOB_UNKNOWN'),
      finding('arm64', 'ERR_PIN_UNVERIFIED'),
      finding('index', 'ERR_PIN_LOCAL'),
    ];
    expect(checkPins(specOf(PINNED), { fingerprint: d('f'), platforms: ['linux/amd64', 'linux/arm64'], findings, images: {} }).reasons).toEqual([
      'the image pinned for linux/amd64, 111111111111, is gone, or a part of it',
      'm ERR_PIN_UNVERIFIED',
      'index: m ERR_PIN_LOCAL',
    ]);
  });

  it('looks at no platform that was not asked for', () => {
    const findings: PinFinding[] = [{ pin: 'arm64', code: 'ERR_MANIFEST_UNKNOWN', message: 'm' }];
    expect(checkPins(specOf(PINNED), { fingerprint: d('f'), platforms: ['linux/amd64'], findings, images: both(d('f'), d('e')) }).outcome).toBe('current');
  });
});

describe('the report on pins', () => {
  it('shows old -> new for each platform in short digests', () => {
    const report = pinReport(specOf(PINNED), specOf(pin(PINNED, facts({ platforms: { amd64: d('7') }, index: d('8'), kept: { arm64: d('f') } }))), {
      file: 'r.yaml',
      outcome: 'pinned',
    });
    const text = renderPinReport(report);
    expect(text).toContain('linux/amd64 111111111111 -> 777777777777');
    expect(text).toContain('linux/arm64 222222222222 (unchanged)');
  });
});

describe('the index', () => {
  it('must be pinned too, and published too', () => {
    const bare = PINNED.replace(/ {2}index: .*\n/, '');
    expect(() => requirePinned(specOf(bare), FILE)).toThrow(/has no pin for the index/);
    const mixed = specOf(PINNED.replaceAll(/(a..64: )store.localhost/g, '$1ghcr.io'));
    expect(() => requirePinned(mixed, { ...FILE, lane: 'main' })).toThrow(/ERR_PIN_LOCAL: r.yaml: the local store is named by the index of a\/b@1/);
    expect(() => requirePinned(specOf(PINNED.replaceAll('store.localhost', 'ghcr.io')), { ...FILE, lane: 'main' })).not.toThrow();
  });
});

describe('a splice', () => {
  it.each([
    ['that begins with an explicit key', '? ref\n: acme/one@1\n? build\n: context: .\n'],
    ['whose image begins with one', 'ref: acme/one@1\nimage:\n  ? platforms\n  : amd64: null\n'],
  ])('that would break a file %s is not written, whether it is of one value or of all', (_, text) => {
    const edits = planPins(specOf(text), facts());
    for (const some of [edits, edits.slice(-1)]) expect(() => applyPins(text, some, FILE)).toThrow(expect.objectContaining({ code: 'ERR_REGISTRY_CONFLICT' }));
  });

  it.each([
    ['>- # why', 'amd64: store.localhost/a-b@sha256:1{64} # why'],
    ['|- # why  ', 'amd64: store.localhost/a-b@sha256:1{64} # why  '],
    ['>-\t# a #b', 'amd64: store.localhost/a-b@sha256:1{64}\t# a #b'],
    ['>2-', 'amd64: store.localhost/a-b@sha256:1{64}'],
  ])('keeps what stands behind the header of a block, as in %j', (header, expected) => {
    const text = `ref: a/b@1\nimage:\n  platforms:\n    amd64: ${header}\n      x.io/y@${d('9')}\n    # next\n`;
    const wanted = expected.replace('1{64}', '1'.repeat(64));
    for (const eol of ['\n', '\r\n']) {
      const written = pin(text.replaceAll('\n', eol), facts());
      expect(written).toContain(`${eol}    ${wanted}${eol}`);
      expect(written).toContain(`${eol}    # next${eol}`);
    }
  });

  it('leaves a comment inside of a block with its block', () => {
    const own = 'ref: a/b@1\nbuild:\n  port: 8000\n\n  # belongs to build\n';
    const next = '\n# belongs to runtime\nruntime:\n  cpu: 2\n';
    const written = pin(`${own}${next}`, facts());
    expect(written.startsWith(`${own}image:\n`)).toBe(true);
    expect(written.endsWith(next)).toBe(true);
  });

  it('gives keys of a flow mapping that stand alone their values', () => {
    const written = pin('ref: a/b@1\nimage: { platforms: { amd64, arm64 } }\n', facts());
    expect(written).toContain(`{ amd64: store.localhost/a-b@${d('1')}, arm64: store.localhost/a-b@${d('2')} }`);
    expect(specOf(pin('{ref: a/b@1, image}\n', facts())).image?.index).toBe(`store.localhost/a-b@${d('3')}`);
  });
});
