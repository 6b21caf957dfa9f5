import { stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { fileState, openStore } from '../../../src/index.ts';
import { removeBlob } from '../../../src/store/blobs.ts';
import { storePaths } from '../../../src/store/paths.ts';

describe('Marking a blob as in use', () => {
  it('leaves its state what it was, and what others write to it changes that', async () => {
    const store = openStore(temporaryFolder('oci'));
    const blob = await store.writeBlob(Buffer.from('in use'));
    const path = store.blobPath(blob.digest);
    const look = async () => {
      const { mtimeMs } = await stat(path);
      return { mtimeMs, state: fileState(path, await stat(path)) };
    };
    await utimes(path, 1, 1);
    const before = await look();
    expect(await store.hasBlob(blob)).toBe(true);
    expect(await store.hasBlob(blob)).toBe(true);
    const marked = await look();
    expect([marked.state, marked.mtimeMs > before.mtimeMs]).toEqual([before.state, true]);
    await writeFile(path, 'in you');
    await utimes(path, new Date(marked.mtimeMs), new Date(marked.mtimeMs));
    const written = await look();
    expect(written.state).not.toBe(before.state);
    expect(await store.hasBlob(blob)).toBe(true);
    expect((await look()).state).toBe(written.state);
  });
});

describe('Taking a blob out of the store', () => {
  it('puts it back when it was marked as in use after it was found to be old', async () => {
    const root = temporaryFolder('oci');
    const store = openStore(root);
    const blob = await store.writeBlob(Buffer.from('wanted again'));
    const aside = join(root, 'aside');
    const minuteAgo = Date.now() - 60_000;
    expect(await removeBlob(storePaths(root), blob.digest, aside, minuteAgo)).toBe(false);
    expect((await stat(store.blobPath(blob.digest))).size).toBe(blob.size);
    await utimes(store.blobPath(blob.digest), 1, 1);
    expect(await removeBlob(storePaths(root), blob.digest, aside, minuteAgo)).toBe(true);
    expect(await store.missing(blob.digest)).toEqual([blob.digest]);
    expect(await removeBlob(storePaths(root), blob.digest, aside, minuteAgo)).toBe(false);
  });
});
