import { describe, expect, it } from '@jest/globals';
import { knownPlatform, parsePlatform, platformName } from '../../../src/index.ts';

describe('platformName', () => {
  it.each([
    ['amd64', 'v1', 'linux/amd64'],
    ['amd64', 'v3', 'linux/amd64/v3'],
    ['arm64', 'v8', 'linux/arm64'],
    ['arm64', '', 'linux/arm64'],
    ['arm64', undefined, 'linux/arm64'],
    ['arm', 'v7', 'linux/arm/v7'],
    ['s390x', undefined, 'linux/s390x'],
  ])('leaves the variant out if it is the default: %s %s is %s', (architecture, variant, name) => {
    expect(platformName({ os: 'linux', architecture, variant })).toBe(name);
  });
});

describe('knownPlatform', () => {
  it('knows what is built, and no variant beside it', () => {
    expect(knownPlatform({ os: 'linux', architecture: 'arm64', variant: 'v8' })).toBe('linux/arm64');
    expect(knownPlatform({ os: 'linux', architecture: 'amd64', variant: 'v3' })).toBeUndefined();
    expect(knownPlatform({ os: 'windows', architecture: 'amd64' })).toBeUndefined();
  });
});

describe('parsePlatform', () => {
  it('reads a platform with or without its system and its default variant', () => {
    expect(['linux/amd64', 'amd64', 'linux/amd64/v1', ' linux/arm64/v8 '].map(parsePlatform)).toEqual([
      'linux/amd64',
      'linux/amd64',
      'linux/amd64',
      'linux/arm64',
    ]);
  });

  it('gives nothing for any other', () => {
    for (const text of ['', '/', 'linux', 'linux/', 'linux/amd64/', '/amd64', 'linux/amd64/v2', 'linux/amd64/v1/x'])
      expect(parsePlatform(text)).toBeUndefined();
  });
});
