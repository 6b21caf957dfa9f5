import { describe, expect, it } from '@jest/globals';
import { describeCommand, redactText } from '../../src/index.ts';

describe('redacting', () => {
  it.each([
    ['https://me:hunter22@ghcr.io/v2/', 'https://[redacted]@ghcr.io/v2/'],
    ['Authorization: Bearer abc.def', 'Authorization: [redacted]'],
    ['{"authorization":"Basic bWU6cHc="}', '{"authorization":"[redacted]"}'],
    ['GET /token?service=x&token=s3cret&scope=y', 'GET /token?service=x&token=[redacted]&scope=y'],
    ['https://ghcr.io/owner/name@sha256:abc', 'https://ghcr.io/owner/name@sha256:abc'],
  ])('turns %s into %s', (text, expected) => expect(redactText(text)).toBe(expected));

  it('hides given values wherever they stand, the longer before the shorter', () => {
    expect(redactText('a=topsecret b=topsecretvalue', ['topsecret', 'topsecretvalue'])).toBe('a=[redacted] b=[redacted]');
  });

  it('hides the value of a secret option, joined or apart, and quotes what needs it', () => {
    expect(describeCommand('login', ['--password', 'pw 1', '--token=t', '-u', 'me', 'a b'])).toBe('login --password [redacted] --token=[redacted] -u me "a b"');
  });
});
