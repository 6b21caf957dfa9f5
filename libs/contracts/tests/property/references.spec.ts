import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { formatReference, isPinlaneError, parseReference } from '../../src/index.ts';

describe('references', () => {
  it('mean the same when they are written in full and parsed again', () => {
    const path = fc.stringMatching(/^[a-z0-9]+(?:[_-][a-z0-9]+){0,2}(?:\/[a-z0-9]+(?:\.[a-z0-9]+)?){0,2}$/);
    const host = fc.constantFrom('', 'ghcr.io/', 'localhost:5000/', '127.0.0.1/', 'a-b.example.com:443/');
    const tag = fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/), { nil: undefined });
    fc.assert(
      fc.property(host, path, tag, (prefix, name, version) => {
        const parsed = parseReference(`${prefix}${name}${version === undefined ? '' : `:${version}`}`);
        expect(parseReference(formatReference(parsed))).toEqual(parsed);
      }),
    );
  });

  it('are parsed or refused by code, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.constantFrom('a', '/', ':', '@', '.', '-', '_', 'sha256:', '[', ']', '\n', '..')).map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            expect(parseReference(text).path).toMatch(/^[a-z0-9]/);
          } catch (error) {
            expect(isPinlaneError(error, 'ERR_REFERENCE_INVALID')).toBe(true);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
