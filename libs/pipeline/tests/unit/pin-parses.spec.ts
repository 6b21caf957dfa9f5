import { describe, expect, it, jest } from '@jest/globals';
import * as yaml from 'yaml';

let parses = 0;
jest.unstable_mockModule('yaml', () => ({
  ...yaml,
  parseDocument: (...args: Parameters<typeof yaml.parseDocument>) => {
    parses += 1;
    return yaml.parseDocument(...args);
  },
}));
const { applyPins, parseSpec } = await import('../../src/index.ts');

const PIN = `a.example/b@sha256:${'a'.repeat(64)}`;
const EDITS = [
  { path: ['image', 'platforms', 'amd64'], value: PIN },
  { path: ['image', 'platforms', 'arm64'], value: PIN },
  { path: ['image', 'index'], value: PIN },
  { path: ['image', 'source', 'fingerprint'], value: `sha256:${'b'.repeat(64)}` },
  { path: ['image', 'source', 'revision'], value: 'c'.repeat(40) },
] as const;
const IMAGE = `image:
  platforms:
    amd64: ${PIN}
    arm64: ${PIN}
  index: ${PIN}
  source:
    fingerprint: sha256:${'b'.repeat(64)}
    revision: ${'c'.repeat(40)}
`;

describe('writing all pins of a registry.yaml', () => {
  // The parse takes most of the time of a large file: the file as it is, the file as it was written, and one between two insertions.
  it.each([
    ['into one without any', '', 2],
    ['over others', IMAGE.replaceAll('a'.repeat(64), 'd'.repeat(64)), 2],
    ['into an empty image', 'image: {}\n', 4],
    ['beside a repository', 'image:\n  repository: a.example/b\n', 4],
    ['beside one platform', `image:\n  platforms:\n    amd64: ${PIN}\n`, 4],
  ])('parses it a few times: %s', (what, image, most) => {
    const text = `# ${what}\nref: a/b@1\n${image}`;
    parses = 0;
    parseSpec(text, { file: 'registry.yaml' });
    const written = applyPins(text, EDITS, { file: 'registry.yaml' });
    parseSpec(written, { file: 'registry.yaml' });
    expect(parses).toBeLessThanOrEqual(most);
    if (image === '') expect(written).toBe(`${text}${IMAGE}`);
  });
});
