import { isNativeError } from 'node:util/types';
import { escapePattern } from './escape.ts';

/** Replaces the values of secrets in texts. */
export interface Redactor {
  text(text: string): string;
  /** A copy of any value, fit for JSON, with every string and every key redacted. Errors become plain objects. */
  value(value: unknown): unknown;
}

export const REDACTED = '[REDACTED]';

// A shorter value would occur by chance in words and numbers, and is no secret that could be kept.
const MIN_LENGTH = 4;
const DIGEST = /(?:sha256:)?(?<![a-f0-9])[a-f0-9]{64}(?![a-f0-9])/g;
// A form of this length does not occur in a digest by chance.
const BEYOND_CHANCE = 16;
const MAX_DEPTH = 32;

const trimPadding = (text: string): string => text.replace(/=+$/, '');

/**
 * The characters of a value's base64 that depend on the value alone, for each of the three offsets that it may have within a group of three
 * bytes of a longer text.
 */
const base64Forms = (secret: string): string[] =>
  [0, 1, 2].flatMap((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
    const whole = bytes.toString('base64');
    const start = offset === 0 ? 0 : offset + 1;
    const end = Math.floor((bytes.length * 8) / 6);
    const stable = whole.slice(start, end);
    const forms = offset === 0 ? [whole, trimPadding(whole), stable] : [stable];
    return forms.filter((form) => form.length >= 8).flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')]);
  });

const formsOf = (secret: string): string[] => {
  const buffer = Buffer.from(secret);
  const url = encodeURIComponent(buffer.toString());
  return [
    secret,
    secret.trim(),
    JSON.stringify(secret).slice(1, -1),
    url,
    url.replaceAll('%20', '+'),
    url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    buffer.toString('hex'),
    buffer.toString('hex').toUpperCase(),
    ...base64Forms(secret),
  ].filter((form) => form.length >= MIN_LENGTH);
};

/**
 * Makes a redactor for the values of secrets in their plain, JSON-escaped, URL-encoded, hexadecimal and base64 forms.
 * Digests (64 hexadecimal digits, with or without `sha256:`) stay readable, even if the characters of a secret occur in one.
 */
export const createRedactor = (secrets: readonly string[]): Redactor => {
  // A secret of many lines, such as a private key, is often printed line by line.
  const parts = secrets.flatMap((secret) => [secret, ...secret.split(/\r?\n/).filter((line) => line.length >= BEYOND_CHANCE)]);
  const forms = [...new Set(parts.filter((part) => part.length >= MIN_LENGTH).flatMap(formsOf))].sort((a, b) => b.length - a.length);
  const pattern = forms.length === 0 ? null : new RegExp(forms.map(escapePattern).join('|'), 'g');

  const plain = (text: string): string => (pattern === null ? text : text.replace(pattern, REDACTED));
  const text = (value: string): string => {
    if (pattern === null) return value;
    let out = '';
    let at = 0;
    for (const match of value.matchAll(DIGEST)) {
      if (forms.some((form) => form.length >= BEYOND_CHANCE && match[0].includes(form))) continue;
      out += plain(value.slice(at, match.index)) + match[0];
      at = match.index + match[0].length;
    }
    return out + plain(value.slice(at));
  };

  const walk = (value: unknown, seen: readonly object[]): unknown => {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'bigint') return text(String(value));
    if (typeof value === 'number') return text(String(value)) === String(value) ? value : REDACTED;
    if (typeof value !== 'object' || value === null) return typeof value === 'function' || typeof value === 'symbol' ? undefined : value;
    if (seen.includes(value) || seen.length >= MAX_DEPTH) return '[…]';
    const inner = [...seen, value];
    if (isNativeError(value) || value instanceof Error) {
      const { name, message, stack, cause, ...own } = value as Error & Record<string, unknown>;
      const errors = value instanceof AggregateError ? { errors: value.errors } : {};
      return walk({ name, message, ...(stack === undefined ? {} : { stack }), ...(cause === undefined ? {} : { cause }), ...errors, ...own }, inner);
    }
    if (value instanceof URL || value instanceof Date) return text(String(value instanceof Date ? value.toJSON() : value.href));
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
    if (Array.isArray(value)) return value.map((item) => walk(item, inner) ?? null);
    const entries = value instanceof Map ? [...value.entries()].map(([key, item]) => [String(key), item] as const) : Object.entries(value);
    return Object.fromEntries(entries.map(([key, item]) => [text(key), walk(item, inner)]));
  };

  return { text, value: (value) => walk(value, []) };
};
