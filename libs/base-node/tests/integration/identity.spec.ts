import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { sha256 } from '@pinlane/oci';
import { temporaryFolder } from '@pinlane/testing';
import { debianEntries } from '../../src/debian/tree.ts';
import type { LockedPackage } from '../../src/lock/lock.ts';
import { Spool } from '../../src/tree/spool.ts';
import { makeDeb } from '../support/debs.ts';
import { describeWithApt } from '../support/parts.ts';

describeWithApt('a package of the lock', () => {
  let folder: string;
  let spool: Spool;
  beforeEach(() => {
    folder = temporaryFolder('identity');
    spool = new Spool(join(folder, 'spool'));
  });
  afterEach(() => spool.close());

  const entriesOf = async (change: Partial<LockedPackage>) => {
    const file = await makeDeb(folder, { name: 'zones', version: '1:2026a-1', files: { 'usr/share/zones/utc': 'UTC' } });
    const bytes = await readFile(file);
    const locked: LockedPackage = { name: 'zones', version: '1:2026a-1', architecture: 'all', size: bytes.length, digest: sha256(bytes), ...change };
    return debianEntries([{ package: locked, file }], 'amd64', spool, { cwd: folder, env: process.env, signal: new AbortController().signal });
  };

  it('is taken when it is what the lock says', async () => {
    expect((await entriesOf({})).map(({ path }) => path)).toContain('usr/share/zones/utc');
  });

  it.each<[string, Partial<LockedPackage>]>([
    ['version', { version: '1:2020a-1' }],
    ['name', { name: 'other' }],
    ['architecture', { architecture: 'amd64' }],
  ])('is refused when its %s is another, though the digest is right', async (_title, change) => {
    await expect(entriesOf(change)).rejects.toThrow(/ERR_BASE_LOCK_INVALID: the lock says .*, and the package with its digest is "zones 1:2026a-1 all"/);
  });
});
