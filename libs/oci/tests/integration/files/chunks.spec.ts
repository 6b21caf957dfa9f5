import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { errorOf, temporaryFolder } from '@pinlane/testing';
import { chunksOf, openStore, type FilePart } from '../../../src/index.ts';

describe('a file in chunks', () => {
  const read = async (bytes: Uint8Array, part: FilePart) => {
    const path = join(temporaryFolder('chunks'), 'file');
    await writeFile(path, bytes);
    const file = await open(path);
    try {
      const chunks: Buffer[] = [];
      let largest = 0;
      for await (const chunk of chunksOf(file, part)) {
        chunks.push(Buffer.from(chunk));
        largest = Math.max(largest, chunk.buffer.byteLength);
      }
      return { bytes: Buffer.concat(chunks), largest };
    } finally {
      await file.close();
    }
  };
  const BYTES = Buffer.from(Array.from({ length: 5000 }, (_, at) => at % 251));

  it.each<[string, FilePart]>([
    ['of the size that is known', { size: 5000 }],
    ['that is larger by now', { size: 1 }],
    ['that was thought to be empty', { size: 0 }],
    ['that is smaller by now', { size: 1_000_000 }],
    ['of which nothing is known', {}],
  ])('is whole: one %s', async (_, part) => {
    for (const lent of [false, true]) expect((await read(BYTES, { ...part, lent })).bytes.equals(BYTES)).toBe(true);
    expect((await read(BYTES, { ...part, start: 100, length: 50 })).bytes.equals(BYTES.subarray(100, 150))).toBe(true);
  });

  it('takes no more memory than it has bytes', async () => {
    expect((await read(Buffer.alloc(100_000), { size: 100_000, lent: true })).largest).toBeLessThan(110_000);
  });
});

describe('a small blob that was read before', () => {
  it('is read anew once it was written to, also where it kept its size, and is missed once it is gone', async () => {
    const store = openStore(temporaryFolder('store'));
    const { digest } = await store.writeBlob(Buffer.from('one'));
    // What was written a moment ago is not taken from memory.
    await sleep(1_100);
    const texts = [];
    for (let times = 0; times < 3; times++) texts.push(Buffer.from(await store.readBlob(digest, 10)).toString());
    expect(texts).toEqual(['one', 'one', 'one']);
    await writeFile(store.blobPath(digest), 'two');
    expect(await errorOf(() => store.readBlob(digest, 10))).toMatchObject({ code: 'ERR_STORE_CORRUPT' });
    await rm(store.blobPath(digest));
    expect(await errorOf(() => store.readBlob(digest, 10))).toMatchObject({ code: 'ERR_STORE_CORRUPT' });
  });
});
