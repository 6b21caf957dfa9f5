import { describe, expect, it } from '@jest/globals';
import canonicalize from 'canonicalize';
import * as fc from 'fast-check';
import { ARCHITECTURES, isPinlaneError, type Digest, type ProcessorSpec } from '@pinlane/contracts';
import { digests, revisions, runs } from '@pinlane/testing';
import { parseDocument } from 'yaml';
import { applyPins, parseSpec, planPins, type PinFacts } from '../../src/index.ts';
import { commentsIn } from '../../src/pin/comments.ts';

const FILE = { file: 'processors/x/registry.yaml' };
const OLD = `sha256:${'0'.repeat(64)}`;
const PIN = `ghcr.io/some/image@${OLD}`;

/** A comment, with what separates it; no two of a file are alike. */
type Comment = (before?: string) => string;

/** The ways in which a value stands behind its key. `pad` indents the key; what is below is indented deeper. */
const VALUES: readonly ((key: string, value: string, pad: string, c: Comment) => string)[] = [
  (key, value, pad, c) => `${pad}${key}: ${value}${c()}`,
  (key, value, pad, c) => `${pad}${key}: ${value}${c('\t')}`,
  (key, value, pad, c) => `${pad}${key}: '${value}'${c()}`,
  (key, value, pad, c) => `${pad}"${key}" : "${value}"${c()}`,
  (key, value, pad, c) => `${pad}${key}:${c()}\n${pad}  ${value}${c()}`,
  (key, value, pad, c) => `${pad}${key}:${c()}\n${pad}  "${value}"`,
  (key, value, pad, c) => `${pad}${key}: "${value.slice(0, 9)}\\\n${pad}    ${value.slice(9)}"${c()}`,
  (key, value, pad, c) => `${pad}${key}: >-${c()}\n${pad}  ${value}`,
  (key, value, pad, c) => `${pad}${key}: |-${c()}\n${pad}  ${value}\n\n`,
  (key, value, pad, c) => `${pad}${key}: >1-${c('\t')}\n${pad} ${value}\n${c('')}`,
  (key, value, pad, c) => `${pad}${key}: |2-\n${pad}  ${value}\n${pad}${c('')}`,
  (key, value, pad, c) => `${pad}? ${key}${c()}\n${pad}: ${value}${c()}`,
  (key, value, pad, c) => `${pad}? ${key}\n${pad}${c('')}\n${pad}:${c()}\n${pad}  ${value}`,
  (key, _, pad, c) => `${pad}${key}: null${c()}`,
  (key, _, pad, c) => `${pad}${key}: ~${c()}`,
  (key, _, pad, c) => `${pad}${key}:${c()}`,
  (key, _, pad, c) => `${pad}${key}:\n${pad}    ${c('')}`,
  () => '',
];

/** The same within braces. */
const IN_BRACES: readonly ((key: string, value: string, c: Comment) => string)[] = [
  (key, value) => `${key}: ${value}`,
  (key, value, c) => `"${key}": '${value}'${c()}\n      `,
  (key, value, c) => `${c()}\n    ${key}: ${value}`,
  (key, value, c) => `${key}:${c()}\n    ${value}${c()}\n      `,
  (key) => `${key}: null`,
  (key, _, c) => `${key}:${c()}\n      `,
  (key) => `${key}`,
];

const choices = (most: number): fc.Arbitrary<number[]> => fc.array(fc.nat({ max: 10_000 }), { minLength: most, maxLength: most });

interface Plan {
  readonly picks: readonly number[];
  readonly text: string;
  readonly eol: string;
  readonly start: string;
  readonly end: string;
  readonly density: number;
}

/** A file with comments at every place that YAML has for them, or at some. */
const written = ({ picks, text, eol, start, end, density }: Plan): string => {
  let at = 0;
  let count = 0;
  const next = (size: number): number => (picks[at++ % picks.length] as number) % size;
  const pick = <T>(from: readonly T[]): T => from[next(from.length)] as T;
  const c: Comment = (before = ' ') => (next(100) < density ? `${before}# ${(count += 1)} ${text}` : '');
  const line = (): string => pick(['', '\n', `${c('')}\n`, `  ${c('')}\n`, `        ${c('')}\n`, `\t${c('')}\n`]);
  const pins = (pad: string): string => ARCHITECTURES.map((each) => `${pick(VALUES)(each, PIN, pad, c)}\n${line()}`).join('');
  const braces = (keys: readonly string[], value: string): string => {
    const entries = keys.filter(() => next(4) > 0).map((key) => pick(IN_BRACES)(key, value, c));
    return `{ ${entries.join(pick([', ', ',\n    ', ` ,${c()}\n    `]))}${entries.length > 0 ? pick(['', ',', `,${c()}\n      `]) : pick(['', `${c()}\n      `])} }`;
  };
  const platforms = (): string =>
    pick([
      () => `  platforms:${c()}\n${line()}${pins('    ')}`,
      () => `  platforms: ${braces(ARCHITECTURES, PIN)}${c()}\n`,
      () => `  platforms:${c()}\n    ${braces(ARCHITECTURES, PIN)}${c()}\n`,
      () => `  platforms:${c()}\n`,
      () => `  platforms: null${c()}\n`,
      () => '',
    ])();
  const source = (): string =>
    pick([
      () => `  source:${c()}\n${pick(VALUES)('fingerprint', OLD, '    ', c)}\n${pick(VALUES)('revision', 'a'.repeat(40), '    ', c)}\n`,
      () => `  source: ${braces(['fingerprint'], OLD)}${c()}\n`,
      () => `  source:${c()}\n`,
      () => '',
    ])();
  const image = (): string =>
    pick([
      () => `image:${c()}\n${line()}${platforms()}${line()}${pick(VALUES)('index', PIN, '  ', c)}\n${line()}${source()}`,
      () => `image:${c()}\n  # not a comment of a block\n  repository: ghcr.io/some/image${c()}\n${platforms()}${source()}`,
      () => `image: { platforms: ${braces(ARCHITECTURES, PIN)}${c()}\n  , index: ${PIN}${c()}\n  }${c()}\n`,
      () => `image:${c()}\n`,
      () => `image: null${c()}\n`,
      () => '',
    ])();
  const lists = `outputs:${c()}\n-${c()}\n  path: a.txt${c()}\n  mime: text/plain\n${line()}- { path: b.txt, mime: text/plain }${c()}\n`;
  const folded = `inputs:${c()}\n  description: |${c()}\n    # a text and no comment\n     # nor this\n  title: "# no comment"${c()}\n  note: a#b${c()}\n`;
  const sections = [lists, image(), folded, `runtime: {${c()}\n  cpu: 2,${c()}\n  gpu: null }${c()}\n`];
  if (next(2) === 0) sections.reverse();
  const body = `${line()}ref: a/b@1${c()}\n${sections.map((section) => `${section}${line()}`).join('')}`;
  return `${start}${body}${end}`.replaceAll('\n', eol);
};

const plans = (): fc.Arbitrary<Plan> =>
  fc.record({
    picks: choices(120),
    text: fc.stringMatching(/^[A-Za-z0-9 :#{}[\]'"@/é,|>-]{0,20}$/),
    eol: fc.constantFrom('\n', '\r\n'),
    start: fc.constantFrom('', '\uFEFF', '---\n', '# 0 before\n--- # 0 start\n', '%YAML 1.2 # 0 directive\n---\n', '\uFEFF# 0 bom\n'),
    end: fc.constantFrom('', '# 0 last', '... # 0 end\n', '\n\n  # 0 far\n\n', '...\n# 0 behind'),
    density: fc.constantFrom(20, 60, 100),
  });

const facts = (): fc.Arbitrary<PinFacts> =>
  fc
    .record({ amd64: digests(), arm64: digests(), index: digests(), fingerprint: digests(), revision: revisions() })
    .map(({ amd64, arm64, index, ...rest }) => ({
      repository: '127.0.0.1:5000/some/image',
      platforms: { amd64: amd64 as Digest, arm64: arm64 as Digest },
      index: index as Digest,
      fingerprint: rest.fingerprint as Digest,
      revision: rest.revision,
    }));

const valueOf = (text: string) => parseDocument(text, { version: '1.2', schema: 'core', logLevel: 'silent' }).toJS() as { image?: Record<string, unknown> };

/** The spec of a text; null if it is none: not each of the pieces fits behind each other one. */
const specOf = (text: string): ProcessorSpec | null => {
  try {
    return parseSpec(text, FILE).spec;
  } catch (error) {
    if (!isPinlaneError(error)) throw error;
    return null;
  }
};

/** Everything that a file says besides its pins. */
const withoutPins = (text: string): string => {
  const { image, ...rest } = valueOf(text);
  const { platforms: _platforms, index: _index, source: _source, ...others } = image ?? {};
  return canonicalize({ ...rest, others })!;
};

describe('pins written into a file with comments', () => {
  it('leave every comment and every other value as it was, wherever YAML takes comments, or are not written at all', () => {
    let count = 0;
    let refused = 0;
    fc.assert(
      fc.property(plans(), facts(), (plan, wanted) => {
        const text = written(plan);
        const spec = specOf(text);
        if (spec === null) return;
        count += 1;
        try {
          const pinned = applyPins(text, planPins(spec, wanted), FILE);
          expect(commentsIn(pinned)).toEqual(commentsIn(text));
          expect(withoutPins(pinned)).toBe(withoutPins(text));
          expect(parseSpec(pinned, FILE).spec.image?.index).toBe(`127.0.0.1:5000/some/image@${wanted.index}`);
          // Each comment as a person sees it, so that the proof does not lean on what it proves.
          const lines = (each: string) => [...each.matchAll(/# \d+ ?.*/g)].map(([comment]) => comment.trimEnd());
          expect(lines(pinned)).toEqual(lines(text));
        } catch (error) {
          if (!isPinlaneError(error, 'ERR_REGISTRY_CONFLICT')) throw error;
          refused += 1;
        }
      }),
      { numRuns: runs(100) },
    );
    // An explicit key at the start of a mapping is refused.
    expect(count).toBeGreaterThan(runs(100) / 2);
    expect(refused).toBeLessThan(count / 10);
  });
});

describe('the comments of a text', () => {
  it.each([
    ['a: >- # why\n  # text\n  b\n# end', ['# why', '# end']],
    ['a: "# no" # yes\nb: \'# no\'\nc: a#no\nd: # yes 2\n', ['# yes', '# yes 2']],
    ['{ # one\n a: 1, # two\n b: [ # three\n ] } # four', ['# one', '# two', '# three', '# four']],
    ['%YAML 1.2 # d\n--- # s\na: 1\n... # e\n', ['# d', '# s', '# e']],
    ['? a # k\n: b\t# v\n', ['# k', '# v']],
    ['a: |\n  # no\n\n   # no\n# yes\n', ['# yes']],
    ['a: b\r\n# yes\r\n', ['# yes']],
  ])('of %j are %j', (text, expected) => expect(commentsIn(text)).toEqual(expected));
});
