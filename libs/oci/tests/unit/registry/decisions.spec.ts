import { describe, expect, it } from '@jest/globals';
import { codeOf } from '@pinlane/testing';
import { isLoopback } from '../../../src/index.ts';
import { parseChallenges } from '../../../src/registry/auth/challenge.ts';
import { mergeScopes } from '../../../src/registry/auth/authorizer.ts';
import { realmOf } from '../../../src/registry/auth/token.ts';
import { endpointOf } from '../../../src/registry/http/endpoint.ts';
import { classify, parseErrorBody, parseRetryAfter, RegistryUnavailable } from '../../../src/registry/http/failure.ts';
import { isRedirect, redirected } from '../../../src/registry/http/redirect.ts';
import { putUpload } from '../../../src/registry/requests/uploads.ts';
import { pauseAfter, RETRY_POLICY } from '../../../src/registry/http/retry.ts';
import { sha256 } from '../../../src/index.ts';

describe('The address of a registry', () => {
  it.each(['localhost', 'localhost:5000', 'a.localhost:5000', '127.0.0.1', '127.1.2.3:80', '[::1]:5000', 'LOCALHOST'])('of %s is on this machine', (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(endpointOf({ host, path: 'x' }).origin).toMatch(/^http:/);
  });

  it.each(['ghcr.io', 'localhost.example', '127.example.com', '128.0.0.1', 'notlocalhost', '[::2]:5000', '127.0.0.1.example'])('of %s is not', (host) => {
    expect(isLoopback(host)).toBe(false);
    expect(endpointOf({ host, path: 'x' }).origin).toBe(`https://${host}`);
  });

  it('is asked for no name below localhost, which not every resolver knows', () => {
    expect(endpointOf({ host: 'registry.localhost:5000', path: 'x' }).origin).toBe('http://localhost:5000');
  });

  it('is another one for Docker Hub, whose credentials keep its name', () => {
    expect(endpointOf({ host: 'docker.io', path: 'library/node' })).toEqual({
      origin: 'https://registry-1.docker.io',
      credentialHost: 'docker.io',
      path: 'library/node',
    });
  });

  it('is plain http elsewhere only on request', () => {
    expect(endpointOf({ host: 'registry.example', path: 'x' }, true).origin).toBe('http://registry.example');
  });

  it('is none for the local store', async () => {
    expect(await codeOf(() => endpointOf({ host: 'store.localhost', path: 'x' }))).toBe('ERR_REFERENCE_INVALID');
  });
});

describe('A challenge', () => {
  it('is read with quoted commas, escapes and several schemes', () => {
    expect(parseChallenges('Bearer realm="https://a/t?x=1,2",service="a \\"b\\"", scope=x, Basic realm="r"')).toEqual([
      { scheme: 'bearer', parameters: { realm: 'https://a/t?x=1,2', service: 'a "b"', scope: 'x' } },
      { scheme: 'basic', parameters: { realm: 'r' } },
    ]);
  });

  it('of nonsense is none', () => {
    expect(parseChallenges('"')).toEqual([]);
    expect(parseChallenges('')).toEqual([]);
  });

  it('puts the scopes that it asks for first', () => {
    expect(mergeScopes('repository:x:pull repository:y:pull', ['repository:x:pull'])).toEqual(['repository:x:pull', 'repository:y:pull']);
  });
});

describe('The token service', () => {
  const credentials = { kind: 'basic', username: 'u', password: 'p' } as const;
  const realm =
    (address: string, registry = 'https://registry.example') =>
    () =>
      realmOf({ realm: address, registry, service: undefined, scopes: [] }, credentials).href;

  it('gets credentials over https, on this machine, or at the registry itself', () => {
    expect(realm('https://auth.example/token')()).toBe('https://auth.example/token');
    expect(realm('http://localhost:1/token')()).toBe('http://localhost:1/token');
    expect(realm('http://insecure.example/token', 'http://insecure.example')()).toBe('http://insecure.example/token');
  });

  it.each(['http://auth.example/token', 'file:///etc/passwd', '/token', 'https://user:word@auth.example/'])('gets none at %s', async (address) => {
    expect(await codeOf(realm(address))).toBe('ERR_REGISTRY_PROTOCOL');
  });

  it('may be in the clear where there is nothing to hide', () => {
    expect(realmOf({ realm: 'http://auth.example/', registry: 'https://r.example', service: undefined, scopes: [] }, undefined).href).toBe(
      'http://auth.example/',
    );
  });
});

describe('An answer that was not expected', () => {
  const body = (code: string, message = '') => parseErrorBody(JSON.stringify({ errors: [{ code, message }] }));
  const nothing = { codes: [], text: '' };

  it.each([429, 408, 500, 502, 503, 504])('with %d passes', (status) => {
    expect(classify(status, nothing, 'ERR_BLOB_UNKNOWN')).toBe('ERR_REGISTRY_UNAVAILABLE');
  });

  it.each([
    [401, nothing, 'ERR_REGISTRY_AUTH'],
    [403, nothing, 'ERR_REGISTRY_DENIED'],
    [403, body('DENIED', 'You have exceeded a secondary rate limit'), 'ERR_REGISTRY_UNAVAILABLE'],
    [403, body('TOOMANYREQUESTS'), 'ERR_REGISTRY_UNAVAILABLE'],
    [404, nothing, 'ERR_BLOB_UNKNOWN'],
    [404, body('DENIED'), 'ERR_REGISTRY_DENIED'],
    [404, body('BLOB_UPLOAD_UNKNOWN'), 'ERR_REGISTRY_UNAVAILABLE'],
    [400, body('MANIFEST_BLOB_UNKNOWN'), 'ERR_BLOB_UNKNOWN'],
    [400, body('DIGEST_INVALID'), 'ERR_DIGEST_MISMATCH'],
    [400, body('constructor'), 'ERR_REGISTRY_PROTOCOL'],
    [418, nothing, 'ERR_REGISTRY_PROTOCOL'],
  ] as const)('with %d and %j is %s', (status, answer, code) => {
    expect(classify(status, answer, 'ERR_BLOB_UNKNOWN')).toBe(code);
  });

  it('says when to come back in seconds or by a date', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(parseRetryAfter('3', now)).toBe(3000);
    expect(parseRetryAfter('Thu, 01 Jan 2026 00:00:05 GMT', now)).toBe(5000);
    expect(parseRetryAfter('Thu, 01 Jan 2015 00:00:05 GMT', now)).toBe(0);
    expect(parseRetryAfter('soon', now)).toBeUndefined();
    expect(parseRetryAfter(null, now)).toBeUndefined();
  });
});

describe('The pause before another attempt', () => {
  const pause = (error: unknown, attempt: number, random = 0) => pauseAfter(error, attempt, { ...RETRY_POLICY, random: () => random });
  const failure = (options = {}) => new RegistryUnavailable('x', options);

  it('doubles, with jitter over its upper half, and ends with the attempts', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map((attempt) => pause(failure(), attempt))).toEqual([100, 200, 400, 800, 1600, 3200, undefined]);
    expect(pause(failure(), 1, 0.999)).toBeCloseTo(200, 0);
  });

  it('is what the registry asks for, unless that is too long to wait', () => {
    expect(pause(failure({ retryAfterMs: 7000 }), 1)).toBe(7000);
    expect(pause(failure({ retryAfterMs: 3_600_000 }), 1)).toBeUndefined();
    expect(pause(failure({ retryAfterMs: 0 }), 3)).toBe(400);
  });

  it('comes once alone after silence, of which each attempt is a minute', () => {
    expect([1, 2, 3].map((attempt) => pause(failure({ silent: true }), attempt))).toEqual([100, undefined, undefined]);
  });

  it('is none after what does not pass', () => {
    expect(pause(failure({ worthRetrying: false }), 1)).toBeUndefined();
    expect(pause(new Error('other'), 1)).toBeUndefined();
  });
});

describe('A redirect', () => {
  const message = { method: 'GET', url: new URL('https://registry.example/v2/x'), authorization: 'Bearer secret', headers: { range: 'bytes=1-' } } as const;

  it('takes Authorization along to the same origin, and never to another', () => {
    expect(redirected(message, '/elsewhere').authorization).toBe('Bearer secret');
    for (const location of ['https://cdn.example/x', 'https://registry.example:8443/x', 'https://registry.example.evil/x'])
      expect(redirected(message, location)).toEqual({ method: 'GET', url: new URL(location), headers: message.headers });
  });

  it('does not lead from https to plain http, nor out of http', async () => {
    for (const location of ['http://cdn.example/x', 'http://registry.example/x', 'file:///etc/passwd', 'javascript:1', null])
      expect(await codeOf(() => redirected(message, location))).toBe('ERR_REGISTRY_PROTOCOL');
  });

  it('is followed by a writing request only where that keeps its method', () => {
    expect([301, 302, 303, 307, 308].filter((status) => isRedirect(status, 'PUT'))).toEqual([307, 308]);
    expect([301, 302, 303, 307, 308, 304].filter((status) => isRedirect(status, 'GET'))).toEqual([301, 302, 303, 307, 308]);
  });
});

describe('The address of an upload', () => {
  it('is kept as the registry gave it, and the digest added', () => {
    const digest = sha256('x');
    const target = (location: string) => String(putUpload(new URL(location), { digest, size: 1 }, new Uint8Array(1)).target);
    expect(target('https://r.example/u?_state=a%2Fb+c')).toBe(`https://r.example/u?_state=a%2Fb+c&digest=${encodeURIComponent(digest)}`);
    expect(target('https://r.example/u')).toBe(`https://r.example/u?digest=${encodeURIComponent(digest)}`);
  });
});
