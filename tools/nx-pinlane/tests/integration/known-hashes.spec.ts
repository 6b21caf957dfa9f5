import { lstatSync } from 'node:fs';
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Lane } from '@pinlane/contracts';
import { fileState, openStore, readBuildContext, rememberHash, sha256 } from '@pinlane/oci';
import { temporaryFolder } from '@pinlane/testing';
import { createEnd } from '../../src/command/at-end.ts';
import { createOnce } from '../../src/command/once.ts';
import { useKnownHashes } from '../../src/images/known-hashes.ts';

const FALSE = sha256('what is not in the file');
const bytes = Buffer.alloc(2_000_000, 'a');

let root: string;
let large: string;
let kept: string;
let notes: string[];
beforeEach(async () => {
  root = temporaryFolder('hashes');
  large = join(root, 'context/large');
  kept = join(root, '.pinlane/cache/hashes.json');
  notes = [];
  await mkdir(join(root, 'context'));
  await mkdir(join(root, '.pinlane/cache'), { recursive: true });
  await writeFile(join(root, 'context/Dockerfile'), 'FROM scratch\n');
  await writeFile(large, bytes);
  // Of a file that was written a moment ago nothing is remembered.
  await setTimeout(1100);
});

const boot = async () => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
const hashOf = async () => (await readBuildContext(join(root, 'context'))).entries.find(({ path }) => path === 'large')?.sha256;
/** Does something in a command of its own. */
const inCommand = async <T>(work: () => Promise<T>, lane: Lane = 'local'): Promise<T> => {
  const { atEnd, end } = createEnd();
  useKnownHashes(lane, { root, once: createOnce(), note: (line) => notes.push(line), atEnd });
  return work().finally(end);
};
/** What a command in a lane takes for the hash of the file. */
const asked = (lane: Lane = 'local') => inCommand(hashOf, lane);
/** Writes what another command would have kept, with a false hash, which tells whether it is believed. */
const keep = async (since: string, state = fileState(large, lstatSync(large))) =>
  writeFile(kept, JSON.stringify({ boot: since, files: { [large]: { state, size: bytes.length, sha256: FALSE } } }));
const isKept = async () => readFile(kept, 'utf8').catch(() => null);

describe('The hashes of large files', () => {
  it('are kept for the next command, which believes them as long as the file is as it was', async () => {
    expect(await asked()).toBe(sha256(bytes));
    expect(JSON.parse((await isKept())!)).toEqual({
      boot: await boot(),
      files: { [large]: { state: fileState(large, lstatSync(large)), size: bytes.length, sha256: sha256(bytes) } },
    });
  });

  it('are believed, and no longer when the file was written to, also where only its times tell', async () => {
    await keep(await boot());
    expect(await asked()).toBe(FALSE);
    const { mtime } = lstatSync(large);
    await writeFile(large, bytes);
    await utimes(large, mtime, mtime);
    expect(await asked()).toBe(sha256(bytes));
    expect(notes).toEqual([]);
  });

  it.each<[string, () => Promise<unknown>, Lane]>([
    ['of another start of the machine', async () => keep('2b4c5a9e-0000-4000-8000-000000000000'), 'local'],
    ['of a file that was another one', async () => keep(await boot(), `${large} 1 ${bytes.length} 1 1`), 'local'],
    ['in a lane that takes nothing from this machine', async () => keep(await boot()), 'staging'],
    ['in the lane of pull requests', async () => keep(await boot()), 'pr'],
  ])('are not believed %s', async (_, prepare, lane) => {
    await prepare();
    expect(await asked(lane)).toBe(sha256(bytes));
  });

  it('are not kept by a lane that takes nothing from this machine', async () => {
    expect([await asked('staging'), await isKept()]).toEqual([sha256(bytes), null]);
  });

  it('are kept of a layer that was marked as in use, and not of a file that was written to since it was read', async () => {
    const store = openStore(join(root, '.pinlane/store'));
    const { digest, size } = await store.writeBlob(bytes);
    const path = store.blobPath(digest);
    rememberHash(large, lstatSync(large), { size, sha256: digest });
    await writeFile(large, Buffer.alloc(bytes.length, 'b'));
    await setTimeout(1100);
    rememberHash(path, lstatSync(path), { size, sha256: digest });
    const mark = () => store.hasBlob({ digest, size });
    await mark();
    const keepNow = () => inCommand(async () => undefined);
    await keepNow();
    const { ino, mtimeMs, ctimeMs } = lstatSync(path);
    const state = `${path} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
    expect(JSON.parse((await isKept())!)).toEqual({ boot: await boot(), files: { [path]: { state, size, sha256: digest } } });
    await writeFile(path, Buffer.alloc(size, 'c'));
    rememberHash(large, lstatSync(large), { size, sha256: digest });
    await mark();
    await keepNow();
    expect(Object.keys(JSON.parse((await isKept())!).files)).toEqual([large]);
  });

  it('are kept of a layer that was marked as in use before it was read', async () => {
    const store = openStore(join(root, '.pinlane/store'));
    const blob = await store.writeBlob(bytes);
    const path = store.blobPath(blob.digest);
    await setTimeout(1100);
    await inCommand(async () => {
      await store.hasBlob(blob);
      await store.hasBlob(blob);
      rememberHash(path, lstatSync(path), { size: blob.size, sha256: blob.digest });
    });
    expect(Object.keys(JSON.parse((await isKept())!).files)).toEqual([path]);
  });

  it.each<[string, string]>([
    ['broken', '{'],
    ['of another shape', '{"boot":1}'],
    ['of a hash that is none', JSON.stringify({ boot: '', files: { x: { state: '', size: 1, sha256: 'md5:0' } } })],
  ])('are found out anew where what was kept is %s, which is told', async (_, text) => {
    await writeFile(kept, text);
    expect(await asked()).toBe(sha256(bytes));
    expect(notes.join()).toMatch(/^WARNING .*hashes\.json is ignored, because .*: large files are hashed anew$/);
  });
});
