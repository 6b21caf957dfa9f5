import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { errorOf, temporaryFolder } from '@pinlane/testing';
import { newHolder } from '../../../src/files/holder.ts';
import { claim, withLock, type LockPlace } from '../../../src/files/lock.ts';

const newPlace = async (): Promise<LockPlace> => {
  const root = temporaryFolder('oci');
  return { folder: join(root, 'locks'), temporary: join(root, 'tmp'), patienceMs: 50, what: 'the journal' };
};

describe('A lock that a living process keeps', () => {
  const refusal = async (place: LockPlace) => withLock(place, () => errorOf(() => withLock(place, async () => undefined)));

  it('is said of what it locks, with a code of its own, and passes', async () => {
    const place = await newPlace();
    const error = await refusal(place);
    expect([error.code, error.retryable]).toEqual(['ERR_LOCKED', true]);
    expect(error.message).toContain(`the journal is locked: ${join(place.folder, 'index')} is held by process ${process.pid}`);
  });

  it('has the code that the place names', async () => {
    expect((await refusal({ ...(await newPlace()), code: 'ERR_STORE_LOCKED' })).code).toBe('ERR_STORE_LOCKED');
  });

  it('is free again after the work failed', async () => {
    const place = await newPlace();
    await expect(withLock(place, () => Promise.reject(new Error('the work')))).rejects.toThrow('the work');
    expect(await withLock(place, async () => 'free')).toBe('free');
  });
});

describe('The right to clear a lock away', () => {
  it('is given once, as long as the one who has it lives', async () => {
    const where = await newPlace();
    const asked = await Promise.all(Array.from({ length: 8 }, async () => claim(where, 'dead', await newHolder())));
    expect(asked.filter(Boolean)).toHaveLength(1);
    expect(await claim(where, 'another', await newHolder())).toBe(true);
  });

  it('passes on when the one who had it is gone, again to one alone', async () => {
    const where = await newPlace();
    await mkdir(where.folder, { recursive: true });
    await writeFile(join(where.folder, 'claim-dead'), JSON.stringify({ ...(await newHolder()), hold: 'gone-too', started: 'another boot/1' }));
    const asked = await Promise.all(Array.from({ length: 8 }, async () => claim(where, 'dead', await newHolder())));
    expect(asked.filter(Boolean)).toHaveLength(1);
    expect((await readdir(where.folder)).sort()).toEqual(['claim-dead', 'claim-gone-too']);
  });
});
