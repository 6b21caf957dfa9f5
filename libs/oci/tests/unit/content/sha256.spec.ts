import { describe, expect, it } from '@jest/globals';
import { chunksOf, codeOf, drain } from '@pinlane/testing';
import { sha256, verified } from '../../../src/index.ts';

const bytes = Buffer.from('a blob of some length');
const blob = { digest: sha256(bytes), size: bytes.length };
const check = (source: Uint8Array, announced = blob) => drain(verified(chunksOf(source, 4), announced));

describe('A verified stream', () => {
  it('passes on the bytes that were announced', async () => {
    expect(await check(bytes)).toEqual(bytes);
  });

  it('may be empty', async () => {
    const empty = Buffer.alloc(0);
    expect(await check(empty, { digest: sha256(empty), size: 0 })).toEqual(empty);
  });

  it('fails at its end when a byte is another', async () => {
    const altered = Buffer.from(bytes);
    altered[3]! ^= 1;
    expect(await codeOf(() => check(altered))).toBe('ERR_DIGEST_MISMATCH');
  });

  it('fails when it ends early', async () => {
    expect(await codeOf(() => check(bytes.subarray(1)))).toBe('ERR_DIGEST_MISMATCH');
    // The digest is right, and whoever announced it is not.
    expect(await codeOf(() => check(bytes, { ...blob, size: bytes.length + 1 }))).toBe('ERR_DIGEST_MISMATCH');
  });

  it('stops as soon as there is more than was announced, without reading the rest', async () => {
    let read = 0;
    async function* endless() {
      for (;;) {
        read++;
        yield Buffer.alloc(8);
      }
    }
    expect(await codeOf(() => drain(verified(endless(), { digest: blob.digest, size: 20 })))).toBe('ERR_DIGEST_MISMATCH');
    expect(read).toBe(3);
  });
});
