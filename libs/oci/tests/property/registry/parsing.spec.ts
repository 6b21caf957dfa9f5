import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { chunksOf, drain } from '@pinlane/testing';
import { sha256 } from '../../../src/index.ts';
import { classify, parseErrorBody, retryAfterIn } from '../../../src/registry/http/failure.ts';
import { nextPage } from '../../../src/registry/requests/lists.ts';
import { pauseAfter, RETRY_POLICY } from '../../../src/registry/http/retry.ts';
import { RegistryUnavailable } from '../../../src/registry/http/failure.ts';
import { createCursor } from '../../../src/registry/upload/cursor.ts';
import { isPinlaneError } from '@pinlane/contracts';
import { sourceOfBytes } from '../../support/images.ts';

describe('What a registry answers', () => {
  it('never ends in anything but an error of ours, whatever its body and status are', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.integer({ min: 100, max: 599 }), (body, status) => {
        const parsed = parseErrorBody(body);
        expect(classify(status, parsed, 'ERR_BLOB_UNKNOWN', retryAfterIn(body) !== undefined)).toMatch(/^ERR_/);
        expect(parsed.text).not.toMatch(/[\u0000-\u001f]/);
      }),
    );
  });

  it('never makes a wait that is not a number of ms, nor a pause that is longer than the policy allows', () => {
    const amount = fc.double({ min: 0, max: 1e8, noNaN: true }).map((number) => number.toFixed(3));
    const unit = fc.constantFrom('ns', 'us', 'µs', 'ms', 's', 'm', 'h');
    fc.assert(
      fc.property(amount, unit, fc.integer({ min: 1, max: 4 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (number, name, attempt, random) => {
        const asked = retryAfterIn(`toomanyrequests: retry-after: ${number}${name}, allowed: 44000/minute`);
        expect(Number.isSafeInteger(asked) && asked! >= 0).toBe(true);
        const pause = pauseAfter(new RegistryUnavailable('x', { retryAfterMs: asked }), attempt, { ...RETRY_POLICY, random: () => random });
        if (asked! > RETRY_POLICY.longestAskedMs) expect(pause).toBeUndefined();
        else {
          expect(pause).toBeGreaterThanOrEqual(asked!);
          expect(pause).toBeLessThanOrEqual(RETRY_POLICY.longestAskedMs + RETRY_POLICY.firstPauseMs);
        }
      }),
    );
  });

  it('never leads a list to another origin', () => {
    const from = new URL('https://registry.example/v2/a/tags/list?n=2');
    const target = fc.oneof(fc.webUrl(), fc.string(), fc.constantFrom('//evil.example/x', '/\\evil.example', 'https://registry.example.evil/', '?last=x'));
    fc.assert(
      fc.property(target, (link) => {
        try {
          const next = nextPage({ url: from, header: () => `<${link}>; rel="next"` });
          expect(next === undefined || next.origin === from.origin).toBe(true);
        } catch (error) {
          expect(isPinlaneError(error, 'ERR_REGISTRY_PROTOCOL')).toBe(true);
        }
      }),
    );
  });
});

describe('Parts of a blob', () => {
  const parts = fc.array(fc.tuple(fc.nat(300), fc.nat(300), fc.boolean()), { maxLength: 12 });

  it('are its bytes, in whatever order they are read, and also after one that was left unread', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 64 }), parts, async (bytes, piece, wanted) => {
        const blob = { digest: sha256(bytes), size: bytes.length };
        const cursor = createCursor(blob, () => chunksOf(bytes, piece));
        for (const [from, most, left] of wanted) {
          const offset = from % bytes.length;
          const length = Math.min(most, bytes.length - offset);
          if (left) for await (const _ of cursor.read(offset, length)) break;
          else expect(await drain(cursor.read(offset, length))).toEqual(Buffer.from(bytes.subarray(offset, offset + length)));
        }
        cursor.close();
      }),
    );
  });

  it('that follow on one another take one reading', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 64 }), async (bytes, step) => {
        const blob = { digest: sha256(bytes), size: bytes.length };
        let readings = 0;
        const cursor = createCursor(blob, () => (readings++, sourceOfBytes([bytes]).openBlob(blob)));
        const read: Buffer[] = [];
        for (let offset = 0; offset < bytes.length; offset += step) read.push(await drain(cursor.read(offset, Math.min(step, bytes.length - offset))));
        expect(Buffer.concat(read)).toEqual(Buffer.from(bytes));
        expect(readings).toBe(1);
      }),
    );
  });
});
