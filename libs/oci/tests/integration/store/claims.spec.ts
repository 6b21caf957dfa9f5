import { stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { openStore } from '../../../src/index.ts';
import { removeBlob } from '../../../src/store/blobs.ts';
import { storePaths } from '../../../src/store/paths.ts';

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
