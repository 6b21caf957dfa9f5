import { describe, expect, it } from '@jest/globals';
import type { Digest } from '@pinlane/contracts';
import { explainChange, type ImageSketch } from '../../src/index.ts';

const d = (digit: string) => `sha256:${digit.repeat(64)}` as Digest;

const IMAGE: ImageSketch = {
  fingerprint: d('f'),
  base: d('b'),
  mediaTypes: ['manifest', 'config', 'layer'],
  times: ['1970-01-01T00:00:00Z'],
  layers: [
    { digest: d('1'), diffId: d('a') },
    { digest: d('2'), diffId: d('c') },
  ],
  buildKit: false,
  execution: '{}',
};
const causes = (more: Partial<ImageSketch>): string[] => explainChange(IMAGE, { ...IMAGE, ...more }).map(({ cause }) => cause);
const [first, second] = IMAGE.layers as [ImageSketch['layers'][number], ImageSketch['layers'][number]];

describe('why an image has another digest', () => {
  it.each<[string, Partial<ImageSketch>, string[]]>([
    ['nothing: it is the same', {}, []],
    ['its source, which explains its layers', { fingerprint: d('0'), layers: [first, { digest: d('3'), diffId: d('4') }] }, ['source']],
    ['its base, which explains its layers', { base: d('0'), layers: [{ digest: d('3'), diffId: d('4') }, second] }, ['base']],
    ['a builder that packs otherwise', { layers: [first, { ...second, digest: d('3') }] }, ['builder']],
    ['another builder altogether', { buildKit: true }, ['builder']],
    ['media types', { mediaTypes: ['other', 'config', 'layer'] }, ['media type']],
    ['times in the config', { times: ['2026-01-01T00:00:00Z'] }, ['timestamps']],
    ['bytes that a build does not repeat', { layers: [first, { digest: d('3'), diffId: d('4') }] }, ['timestamps']],
    ['a config that says something else', { execution: '{"User":"0"}' }, ['builder']],
    ['layers in another order', { layers: [second, first] }, ['unknown']],
    ['several at once', { mediaTypes: ['other', 'config', 'layer'], times: ['2026-01-01T00:00:00Z'], buildKit: true }, ['builder', 'media type', 'timestamps']],
  ])('is %s', (_, more, expected) => {
    expect(causes(more)).toEqual(expected);
  });

  it('is told with what it was and what it is', () => {
    expect(explainChange(IMAGE, { ...IMAGE, base: null }).map(({ message }) => message)).toEqual(['built on bbbbbbbbbbbb -> nothing']);
  });
});
