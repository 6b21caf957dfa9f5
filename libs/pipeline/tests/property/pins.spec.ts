import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ARCHITECTURES, isPinlaneError, type Digest, type PlatformDigests } from '@pinlane/contracts';
import { digests, revisions, runs, specTexts } from '@pinlane/testing';
import { applyPins, parseSpec, pinsSay, planPins, projectionText, type PinFacts } from '../../src/index.ts';

const FILE = { file: 'processors/x/registry.yaml' };

const facts = (): fc.Arbitrary<PinFacts> =>
  fc
    .record({
      amd64: digests(),
      arm64: digests(),
      index: digests(),
      fingerprint: digests(),
      revision: revisions(),
      only: fc.constantFrom('both', 'amd64', 'arm64'),
    })
    .map(({ amd64, arm64, index, fingerprint, revision, only }) => ({
      repository: '127.0.0.1:5000/some/image',
      platforms: { ...(only === 'arm64' ? {} : { amd64: amd64 as Digest }), ...(only === 'amd64' ? {} : { arm64: arm64 as Digest }) },
      index: index as Digest,
      fingerprint: fingerprint as Digest,
      revision,
    }));

const pin = (text: string, wanted: PinFacts): string => applyPins(text, planPins(parseSpec(text, FILE).spec, wanted), FILE);

/** A spec of which nothing is pinned, and the file after a pin of both platforms. */
const settled = (): fc.Arbitrary<{ readonly spec: unknown; readonly built: PinFacts & { readonly fingerprint: Digest } }> =>
  fc.tuple(specTexts(), facts()).map(([text, { index, fingerprint, ...wanted }]) => {
    const platforms: PlatformDigests = Object.fromEntries(ARCHITECTURES.map((each) => [each, wanted.platforms[each] ?? index]));
    const built = { ...wanted, index, fingerprint: fingerprint as Digest, platforms };
    return { spec: parseSpec(pin(text, built), FILE).spec, built };
  });

/** What a text says besides its pins: every line without the keys and values that a pin may touch. */
const commentsOf = (text: string): string[] => text.split(/\r?\n/).flatMap((line) => (line.includes('# ') ? [line.slice(line.indexOf('# '))] : []));

describe('pins written into a registry.yaml of any style', () => {
  it('are read back as they were asked for, and the rest of the spec stays', () => {
    fc.assert(
      fc.property(specTexts(), facts(), (text, wanted) => {
        const { spec } = parseSpec(pin(text, wanted), FILE);
        for (const [architecture, digest] of Object.entries(wanted.platforms))
          expect(spec.image?.platforms?.[architecture as 'amd64']).toBe(`127.0.0.1:5000/some/image@${digest}`);
        expect(spec.image?.index).toBe(`127.0.0.1:5000/some/image@${wanted.index}`);
        expect(projectionText(spec)).toBe(projectionText(parseSpec(text, FILE).spec));
      }),
      { numRuns: runs(40) },
    );
  });

  it('are the same text when they are written a second time', () => {
    fc.assert(
      fc.property(specTexts(), facts(), (text, wanted) => {
        const once = pin(text, wanted);
        expect(pin(once, { ...wanted, revision: 'f'.repeat(40) })).toBe(once);
      }),
      { numRuns: runs(40) },
    );
  });

  it('leave comments, line endings, byte-order mark and last newline as they were', () => {
    fc.assert(
      fc.property(specTexts(), facts(), (text, wanted) => {
        const written = pin(text, wanted);
        expect(commentsOf(written)).toEqual(commentsOf(text));
        expect(written.startsWith('\uFEFF')).toBe(text.startsWith('\uFEFF'));
        expect(/\n$/.test(written)).toBe(/\n$/.test(text));
        if (text.includes('\r\n')) expect(written.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
        else expect(written).not.toContain('\r');
      }),
      { numRuns: runs(40) },
    );
  });

  it('change only the bytes of values where every pin was there already', () => {
    fc.assert(
      fc.property(specTexts(), facts(), facts(), (text, first, second) => {
        const pinned = pin(pin(text, first), { ...first, platforms: { amd64: first.index, arm64: first.index } });
        const again = pin(pinned, { ...second, platforms: { amd64: second.index, arm64: second.index } });
        const blank = (each: string) => each.replaceAll(/sha256:[a-f0-9]{64}|\b[a-f0-9]{40}\b|"[a-f0-9]{40}"/g, '*').replaceAll('"*"', '*');
        expect(blank(again)).toBe(blank(pinned));
      }),
      { numRuns: runs(40) },
    );
  });
});

describe('whether pins say what pinning a build would write', () => {
  it('holds right after it was pinned, whatever the file was like', () => {
    fc.assert(
      fc.property(settled(), ({ spec, built }) => expect(pinsSay(spec, built)).toBe(true)),
      { numRuns: runs(40) },
    );
  });

  it('does not hold if a digest or the repository of the build is another one', () => {
    const moved = fc.constantFrom('index', 'fingerprint', 'repository', ...ARCHITECTURES);
    fc.assert(
      fc.property(settled(), digests(), moved, ({ spec, built }, other, what) => {
        const changes: Record<typeof what, object> = {
          index: { index: other },
          fingerprint: { fingerprint: other },
          repository: { repository: `ghcr.io/other/x${other.slice(7)}` },
          amd64: { platforms: { ...built.platforms, amd64: other } },
          arm64: { platforms: { ...built.platforms, arm64: other } },
        };
        expect(pinsSay(spec, { ...built, ...changes[what] })).toBe(false);
      }),
      { numRuns: runs(40) },
    );
  });

  it('does not hold for any JSON, and is no error', () => {
    const built = { repository: 'x.io/y', index: `sha256:${'1'.repeat(64)}` as Digest, fingerprint: `sha256:${'2'.repeat(64)}` as Digest };
    const pins = fc.record({ platforms: fc.jsonValue(), index: fc.jsonValue(), source: fc.jsonValue() }, { requiredKeys: [] });
    const specs = fc.oneof(
      fc.jsonValue(),
      fc.record({ image: fc.oneof(fc.jsonValue(), pins) }),
      fc.record({ image: fc.record({ platforms: fc.record({ amd64: fc.jsonValue(), arm64: fc.jsonValue() }), source: fc.jsonValue() }) }),
    );
    fc.assert(
      fc.property(specs, fc.constantFrom<PlatformDigests>({}, { amd64: built.index }), (spec, platforms) => {
        expect(pinsSay(spec, { ...built, platforms })).toBe(false);
      }),
      { numRuns: runs(500) },
    );
  });
});

describe('the parser of registry.yaml', () => {
  it('answers any text with a spec or with coded problems, never with another error', () => {
    const pieces = fc.array(
      fc.constantFrom(
        'ref: a/b@1\n',
        'image:\n',
        '  platforms: {',
        '}',
        '&a ',
        '*a',
        '<<: ',
        '[',
        ']',
        '- ',
        '"',
        "'",
        '\t',
        '\r\n',
        '\0',
        '|',
        '>',
        '!!x ',
        '? ',
        '---\n',
        '%YAML 1.1\n',
        '\uFEFF',
        'é',
        ': ',
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          pieces.map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            expect(parseSpec(text, FILE).spec.ref).toMatch(/@/);
          } catch (error) {
            expect(isPinlaneError(error)).toBe(true);
            expect((error as Error).message).toMatch(/^ERR_REGISTRY_/);
          }
        },
      ),
      { numRuns: runs(500) },
    );
  });
});
