import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { formatReference, isPinlaneError, parseReference, registryHostFault } from '../../src/index.ts';

/** As many inputs as a property is tried on that asks for none; more in `npm run fuzz`. */
const HUNDRED = fc.readConfigureGlobal().numRuns ?? 100;

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
      { numRuns: 20 * HUNDRED },
    );
  });

  it('that parse can be asked for: an address of their host has that host and that port', () => {
    const label = fc.oneof(
      fc.constantFrom(
        'localhost',
        'a',
        'xn--a',
        'xn--80ak6aa92e',
        'com',
        '0x7f',
        '0x',
        '1',
        '127',
        '256',
        '00',
        '08',
        'a'.repeat(63),
        'a'.repeat(64),
        '1a',
        'A-b',
        '-a',
        'store',
      ),
      fc.nat({ max: 70_000 }).map(String),
      fc.stringMatching(/^[a-z0-9-]{1,5}$/),
    );
    const names = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
    const addresses = fc
      .array(fc.constantFrom(':', '::', '0', '1', 'ff', 'FFFF', '12345', '127.0.0.1', '%1'), { maxLength: 9 })
      .map((parts) => `[${parts.join(':')}]`);
    const loose = fc
      .array(fc.constantFrom('[', ']', ':', '::', '1', 'f', '.', 'a', '/', '%', '_', '\\', 'é', ' '), { maxLength: 8 })
      .map((parts) => parts.join(''))
      // A port is added below.
      .filter((name) => !/:\d+$/.test(name));
    const port = fc.oneof(
      fc.constant(''),
      fc.nat({ max: 100_000 }).map((number) => `:${number}`),
      fc.constantFrom(':', ':0', ':00080', ':443', ':80', ':65536', ':-1', ':1e3'),
    );
    let asked = 0;
    fc.assert(
      fc.property(fc.oneof(names, addresses, loose), port, (name, suffix) => {
        const host = `${name}${suffix}`;
        if (registryHostFault(host) !== null) return;
        asked += 1;
        for (const scheme of ['http', 'https'] as const) {
          const url = new URL(`${scheme}://${host}/v2/`);
          const implied = scheme === 'http' ? '80' : '443';
          expect(`${url.hostname}:${url.port || implied}`).toBe(`${name.toLowerCase()}:${suffix.slice(1) || implied}`);
          expect([url.pathname, url.username, url.search]).toEqual(['/v2/', '', '']);
        }
        if (name.includes('.') || suffix !== '') expect(parseReference(`${host}/name`).host).toBe(host);
      }),
      { numRuns: 30 * HUNDRED },
    );
    expect(asked).toBeGreaterThan(100);
  });
});
