import { describe, expect, it } from '@jest/globals';
import { chunksOf, codeOf, drain } from '@pinlane/testing';
import { sha256 } from '../../../src/index.ts';
import { classify, parseErrorBody, RegistryUnavailable, retryAfterIn } from '../../../src/registry/http/failure.ts';
import { createMeter } from '../../../src/registry/push/meter.ts';
import { referrersTag } from '../../../src/registry/referrers/entries.ts';
import { patchUpload } from '../../../src/registry/requests/uploads.ts';
import { uploadStatus } from '../../../src/registry/requests/uploads.ts';
import { createPatience, pauseAfter, RETRY_POLICY, untilAborted, withRetry, type Patience } from '../../../src/registry/http/retry.ts';
import type { Answer } from '../../../src/registry/http/message.ts';

describe('A wait that a body asks for', () => {
  it.each([
    ['toomanyrequests: retry-after: 575.345µs, allowed: 44000/minute', 1],
    ['retry-after: 123.45ms', 124],
    ['{"errors":[{"code":"TOOMANYREQUESTS","message":"retry-after: 2.5s, allowed: 44000/minute"}]}', 2500],
    ['Retry-After: 1m30s', 90_000],
    ['{"retry-after": "40ms"}', 40],
    ['retry-after: 12ns', 1],
    ['retry-after: soon', undefined],
    ['retry-after: 5', undefined],
    ['nothing of that', undefined],
  ])('as in %s is read', (body, ms) => {
    expect(retryAfterIn(body)).toBe(ms);
  });
});

describe('A 403', () => {
  const code = (body: string, comesBack = false) => classify(403, parseErrorBody(body), 'ERR_BLOB_UNKNOWN', comesBack);

  it.each([
    '{"message":"You have exceeded a secondary rate limit. Please wait a few minutes."}',
    '{"errors":[{"code":"DENIED","message":"rate-limit reached"}]}',
    'toomanyrequests: retry-after: 575.345µs, allowed: 44000/minute',
    'You have triggered an abuse detection mechanism',
  ])('with %s passes', (body) => expect(code(body)).toBe('ERR_REGISTRY_UNAVAILABLE'));

  it('that names a time to come back at passes', () => expect(code('', true)).toBe('ERR_REGISTRY_UNAVAILABLE'));

  it.each(['', '<html>rate limit</html>', '{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}'])(
    'with %j is a refusal',
    (body) => expect(code(body)).toBe('ERR_REGISTRY_DENIED'),
  );
});

describe('A pause', () => {
  it('that a registry asks for gets jitter on top, so that those who were told the same do not come back together', () => {
    const pause = (random: number) => pauseAfter(new RegistryUnavailable('x', { retryAfterMs: 7000 }), 1, { ...RETRY_POLICY, random: () => random });
    expect([pause(0), pause(0.5)]).toEqual([7000, 7100]);
  });

  it('ends when the work is called off, however long it would be', async () => {
    const controller = new AbortController();
    const policy = untilAborted({ ...RETRY_POLICY, sleep: () => new Promise(() => undefined) }, controller.signal);
    const waiting = codeOf(() => withRetry(policy, () => Promise.reject(new RegistryUnavailable('x'))));
    controller.abort();
    expect(await waiting).toBe('ERR_CANCELLED');
    expect(await codeOf(() => policy.sleep(1))).toBe('ERR_CANCELLED');
  });
});

describe('The patience with a registry that asks to be left alone', () => {
  /** Waits by the table of what the registry asks for in s after each attempt, without time going by; how long was waited, in s, and how it ended. */
  const waitedFor = async (asked: readonly number[], after = (_patience: Patience): void => undefined) => {
    const pauses: number[] = [];
    const policy = { ...RETRY_POLICY, random: () => 0.5, sleep: async (ms: number) => void pauses.push(ms) };
    let attempt = 0;
    const work = async (patience: Patience): Promise<string> => {
      const seconds = asked[attempt++];
      if (seconds === undefined) return 'answered';
      after(patience);
      throw new RegistryUnavailable('GET https://r.example/v2/x: 429', { retryAfterMs: seconds * 1000 });
    };
    const ended = await withRetry(policy, work).catch((thrown: unknown) => thrown as RegistryUnavailable);
    return { ended, sum: Math.round(pauses.reduce((sum, ms) => sum + ms, 0) / 1000) };
  };

  it.each([
    ['three times a minute, as GitHub does', [60, 60, 60], 180],
    ['two minutes and one', [120, 60], 180],
    ['a second, as often as it is tried', [1, 1, 1, 1, 1, 1], 12],
  ])('lasts for %s', async (_, asked, sum) => {
    expect(await waitedFor(asked)).toEqual({ ended: 'answered', sum });
  });

  it.each([
    ['two minutes seven times', Array(7).fill(120), 120, /429; the registry asked to wait 120 s, and it was waited for 121 s already, of 190 s at most/],
    ['a minute for ever', Array(7).fill(60), 180, /asked to wait 60 s, and it was waited for 181 s already/],
    ['an hour', [3600], 0, /429; the registry asked to wait 3600 s, and 120 s at a time are waited at most/],
    ['ever more', [1, 10, 100, 119], 111, /asked to wait 119 s/],
  ])('ends where it asks for %s, and says so', async (_, asked, sum, said) => {
    const { ended, sum: waited } = await waitedFor(asked);
    expect(ended).toMatchObject({
      problems: [{ code: 'ERR_REGISTRY_UNAVAILABLE', message: expect.stringMatching(said), fix: expect.stringContaining('Try again') }],
    });
    expect(waited).toBe(sum);
    // Who tries again around this does not begin anew.
    expect(pauseAfter(ended, 1, RETRY_POLICY)).toBeUndefined();
  });

  it('begins anew when the work goes on', async () => {
    expect(await waitedFor(Array(10).fill(60), (patience) => patience.goesOn())).toEqual({ ended: 'answered', sum: 601 });
  });

  it('counts what other requests were told, too', async () => {
    let slept = 0;
    const patience = createPatience({ ...RETRY_POLICY, sleep: async (ms) => void (slept += ms) });
    const failure = new RegistryUnavailable('429', { retryAfterMs: 100_000 });
    await patience.whileAsked(100_000, failure);
    expect(await codeOf(() => patience.whileAsked(100_000, failure))).toBe('ERR_REGISTRY_UNAVAILABLE');
    expect(slept).toBe(100_000);
  });
});

describe('The answer to a chunk', () => {
  const answer = (status: number, headers: Record<string, string> = {}) =>
    ({ status, url: new URL('https://r.example/u'), header: (name: string) => headers[name] ?? null, discard: async () => undefined }) as unknown as Answer;
  const patch = (offset: number) => patchUpload(new URL('https://r.example/u'), offset, { size: 10, open: () => chunksOf(Buffer.alloc(10)) });

  it('says whether it is refused, or does not follow on', async () => {
    expect(await patch(0).read(answer(416))).toEqual({ kind: 'refused' });
    expect(await patch(10).read(answer(413))).toEqual({ kind: 'refused' });
    expect(await patch(10).read(answer(416))).toEqual({ kind: 'out-of-step' });
    // Amazon's registry leaves the range where it was after the first chunk.
    expect(await patch(10).read(answer(202, { range: '0-9', location: '/next' }))).toEqual({ kind: 'accepted', location: new URL('https://r.example/next') });
    expect(patch(10).headers?.['content-range']).toBe('10-19');
  });

  it.each([
    ['0-9', 10],
    ['bytes=0-9', 10],
    ['0-0', 0],
  ])('with the range %s says how far an upload has come', async (range, offset) => {
    expect((await uploadStatus(new URL('https://r.example/u')).read(answer(204, { range })))?.offset).toBe(offset);
  });

  it.each([answer(404), answer(204), answer(204, { range: '5-9' })])('that tells nothing is no status', async (nothing) => {
    expect(await uploadStatus(new URL('https://r.example/u')).read(nothing)).toBeUndefined();
  });
});

describe('The progress of uploads', () => {
  it('is told once a second at most, of all together, and begins anew with what is sent anew', async () => {
    let now = 0;
    const lines: string[] = [];
    const meter = createMeter(
      (line) => lines.push(line),
      () => (now += 400),
    );
    const bytes = Buffer.alloc(5_000_000);
    const blob = { digest: sha256(bytes), size: bytes.length };
    const tracked = meter.track(blob, () => chunksOf(bytes, 1_000_000));
    await drain(tracked());
    await drain(tracked());
    expect(lines).toEqual(['uploaded 4.0 of 5.0 MB', 'uploaded 2.0 of 5.0 MB', 'uploaded 5.0 of 5.0 MB']);
  });

  it('is not told of what takes less than a second', async () => {
    const lines: string[] = [];
    const bytes = Buffer.alloc(100);
    const meter = createMeter(
      (line) => lines.push(line),
      () => 5,
    );
    await drain(meter.track({ digest: sha256(bytes), size: 100 }, () => chunksOf(bytes))());
    expect(lines).toEqual([]);
  });
});

describe('The tag for referrers', () => {
  it('is the digest with a dash', () => {
    const digest = sha256('x');
    expect(referrersTag(digest)).toBe(`sha256-${digest.slice(7)}`);
  });
});
