import { describe, expect, it } from '@jest/globals';
import { fail, PinlaneError, quoted, redactText, typedPasswords } from '../../src/index.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('a text without its logins', () => {
  it.each([
    ['http://me:hunter2@host/x', 'http://[redacted]@host/x'],
    ['https://me@host/x', 'https://[redacted]@host/x'],
    ['at (https://me:hunter2@host:5000/v2/): refused', 'at (https://[redacted]@host:5000/v2/): refused'],
    ['docker-image://me:hunter2@host/x', 'docker-image://[redacted]@host/x'],
    ['HTTP://me:hunter2@host', 'HTTP://[redacted]@host'],
    ['http://me:hunt@er2@host', 'http://[redacted]@host'],
    ['http://me:hunter2/a/b@host', 'http://[redacted]@host'],
    ['http://me:hunter2@[::1]:5000/x', 'http://[redacted]@[::1]:5000/x'],
    ['http://:hunter2@host', 'http://[redacted]@host'],
    ['me:hunter2@host', '[redacted]@host'],
    ['a "me:hunter2@host/x" and me:hunter2@10.0.0.1', 'a "[redacted]@host/x" and [redacted]@10.0.0.1'],
    ['ref=me:hunter2@host,mode=max', 'ref=[redacted]@host,mode=max'],
    ['{"a":"me:hunter2@host"}', '{"a":"[redacted]@host"}'],
    ['FROM me:hunter2@host/x:1', 'FROM [redacted]@host/x:1'],
    ['two\nme:hunter2@host', 'two\n[redacted]@host'],
  ])('turns %j into %j', (text, expected) => expect(redactText(text)).toBe(expected));

  it.each([
    `ghcr.io/owner/name@${DIGEST}`,
    `https://ghcr.io/owner/name@${DIGEST}`,
    `node:24-bookworm@${DIGEST}`,
    `127.0.0.1:5000/name:tag@${DIGEST}`,
    'llm/litellm@1 and ref:llm/litellm@1',
    'https://host:5000/@scope/name',
    'file:///a/node_modules/@nx/devkit/index.js:12:3',
    'npm:react@18.2.0',
    'nx run acme-one:pin',
    'who@example.org',
    'see http://127.0.0.1:5000/v2/a/manifests/latest',
    '{"name":"@pinlane/nx","a":1}',
  ])('leaves %j as it is', (text) => expect(redactText(text)).toBe(text));

  it('is made in a time that grows no faster than the text', () => {
    for (const piece of ['://', '://a:', 'a:b', '://a:b@', ' a:b@c', ',a:', '=a:', ',a:b@1', '@1', '@v1.', '/@', ':', '@', 'x'])
      expect(redactText(`${piece.repeat((1024 * 1024) / piece.length)}@`).length).toBeGreaterThan(0);
  });
});

describe('a value that was typed', () => {
  const LONG = `hunter2${'x'.repeat(300)}`;
  it.each([
    ['http://me:hunter2@host', '"http://[redacted]@host"'],
    ['me:hunter2@host', '"[redacted]@host"'],
    ['me:hunter2 and "more"@host', '"[redacted]@host"'],
    ['me:hun/ter2@a@host', '"[redacted]@host"'],
    [`me:${LONG}@host`, '"[redacted]@host"'],
    [`http://me:${LONG}@host`, '"http://[redacted]@host"'],
    [`127.0.0.1:5000/name@sha255:abc`, '"127.0.0.1:5000/name@sha255:abc"'],
    [undefined, '"undefined"'],
    ['x'.repeat(300), `"${'x'.repeat(100)}"`],
  ])('is quoted without its login: %j', (value, expected) => expect(quoted(value)).toBe(expected));

  it('gives its password, also as JSON would write it', () => {
    expect(typedPasswords(['me:hunter2@host', 'http://me:a"b@c@host', 'plain', `node:24@${DIGEST}`])).toEqual(['hunter2', 'hunter2', 'a"b@c', 'a\\"b@c']);
  });
});

describe('an error', () => {
  it('has no login in its message, its problems and its remedies, whoever threw it', () => {
    const problem = { code: 'ERR_ADAPTER', message: 'at http://me:hunter2@host', fix: 'Ask me:hunter2@host.' } as const;
    const error = new PinlaneError([problem, problem]);
    expect(JSON.stringify([error.message, error.problems])).not.toContain('hunter2');
    expect(() => fail('ERR_ADAPTER', 'at me:hunter2@host')).toThrow('at [redacted]@host');
  });
});
