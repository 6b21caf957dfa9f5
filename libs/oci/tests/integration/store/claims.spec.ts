import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { openStore } from '../../../src/index.ts';
import { removeBlob } from '../../../src/store/blobs.ts';
import { newHolder } from '../../../src/store/holder.ts';
import { claim } from '../../../src/store/lock.ts';
import { storePaths } from '../../../src/store/paths.ts';
import { temporaryFolders } from '../../support/folders.ts';

const folder = temporaryFolders();

describe('The right to clear a lock away', () => {
  const place = async () => {
    const root = await folder();
    return { folder: join(root, 'locks'), temporary: join(root, 'tmp'), patienceMs: 50 };
  };

  it('is given once, as long as the one who has it lives', async () => {
    const where = await place();
    const asked = await Promise.all(Array.from({ length: 8 }, async () => claim(where, 'dead', await newHolder())));
    expect(asked.filter(Boolean)).toHaveLength(1);
    expect(await claim(where, 'another', await newHolder())).toBe(true);
  });

  it('passes on when the one who had it is gone, again to one alone', async () => {
    const where = await place();
    await mkdir(where.folder, { recursive: true });
    await writeFile(join(where.folder, 'claim-dead'), JSON.stringify({ ...(await newHolder()), hold: 'gone-too', started: 'another boot/1' }));
    const asked = await Promise.all(Array.from({ length: 8 }, async () => claim(where, 'dead', await newHolder())));
    expect(asked.filter(Boolean)).toHaveLength(1);
    expect((await readdir(where.folder)).sort()).toEqual(['claim-dead', 'claim-gone-too']);
  });
});

describe('Taking a blob out of the store', () => {
  it('puts it back when it was marked as in use after it was found to be old', async () => {
    const root = await folder();
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
