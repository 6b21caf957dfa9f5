import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createRedactor, REDACTED } from '../../src/redact.ts';

const secret = fc.string({ minLength: 8, maxLength: 60 }).filter((text) => text.trim().length >= 8);

describe('a redactor', () => {
  it('leaves no plain, escaped, encoded, hexadecimal or base64 form of a secret in a text', () => {
    fc.assert(
      fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
        const { text } = createRedactor([value]);
        const forms = [
          value,
          JSON.stringify(value).slice(1, -1),
          encodeURIComponent(value),
          Buffer.from(value).toString('hex'),
          Buffer.from(value).toString('base64'),
        ];
        for (const form of forms) expect(text(`${before} ${form} ${after}`)).toContain(REDACTED);
        const basic = Buffer.from(`${before}${value}${after}`).toString('base64');
        expect(text(basic)).toContain(REDACTED);
      }),
    );
  });

  it('leaves digests alone, although a short secret is found in them, but not a secret that is as long', () => {
    const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
    expect(createRedactor(['abcd']).text(`${digest} abcd`)).toBe(`${digest} ${REDACTED}`);
    expect(createRedactor([digest.slice(7)]).text(digest)).toBe(`sha256:${REDACTED}`);
  });

  it('finds each line of a key that has many', () => {
    const key = '-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END KEY-----\n';
    expect(createRedactor([key]).text('line 2: MIIEvQIBADANBgkqhkiG9w0BAQEFAASC.')).toBe(`line 2: ${REDACTED}.`);
  });

  it('copies any value into JSON, with cycles, errors, bytes and numbers', () => {
    const cycle: Record<string, unknown> = { big: 12345678n, bytes: Buffer.from('x'), when: new Date(0), pin: 12345678, fn: () => 1 };
    cycle['self'] = cycle;
    const copy = createRedactor(['12345678']).value({ cycle, error: new Error('e 12345678') }) as { cycle: object; error: { stack: string } };
    expect(copy.cycle).toEqual({ big: REDACTED, bytes: '[1 bytes]', when: '1970-01-01T00:00:00.000Z', pin: REDACTED, self: '[…]' });
    expect(copy.error).toMatchObject({ name: 'Error', message: `e ${REDACTED}` });
    expect(() => JSON.stringify(copy)).not.toThrow();
  });

  it('changes nothing where there are no secrets', () => {
    fc.assert(fc.property(fc.string(), (text) => createRedactor([]).text(text) === text));
  });
});
