import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { removeTree } from '../../src/index.ts';

jest.setTimeout(180_000);
/** More than a busy machine takes, so that no other process goes on with what is looked at. */
const withinMs = 150_000;

/** Folders within one another, each of which is moved into a new one, because the path of the innermost may be too long for the system. */
const nest = (top: string, depth: number, name = 'd'): void => {
  let innermost = join(top, name);
  mkdirSync(innermost);
  writeFileSync(join(innermost, 'file'), 'x');
  for (let level = 1; level < depth; level += 1) {
    const around = join(top, 'around');
    mkdirSync(around);
    renameSync(innermost, join(around, name));
    innermost = join(top, name);
    renameSync(around, innermost);
  }
};

describe('the removal of a folder', () => {
  let folder = '';
  let beside = '';
  let server: Server | undefined;
  beforeEach(() => {
    const parent = temporaryFolder('remove');
    folder = join(parent, 'folder');
    beside = join(parent, 'beside');
    mkdirSync(folder);
    mkdirSync(join(beside, 'inner'), { recursive: true });
    writeFileSync(join(beside, 'inner/kept'), 'kept');
  });
  afterEach(() => {
    server?.close();
    server = undefined;
  });

  it.each<[string, () => unknown]>([
    ['nothing', () => null],
    ['files and folders', () => (mkdirSync(join(folder, 'a/b/c'), { recursive: true }), writeFileSync(join(folder, 'a/b/c/d'), 'x'))],
    ['3 000 folders within one another', () => nest(folder, 3000)],
    ['long names within one another', () => nest(folder, 100, 'n'.repeat(250))],
    ['many files', () => Array.from({ length: 1000 }, (_, at) => writeFileSync(join(folder, String(at)), ''))],
    ['many folders', () => Array.from({ length: 300 }, (_, at) => mkdirSync(join(folder, 'a', String(at), 'b'), { recursive: true }))],
    [
      'folders that are closed to their owner',
      () => {
        mkdirSync(join(folder, 'a/b/c'), { recursive: true });
        for (const path of ['a/b/c', 'a/b', 'a', '']) chmodSync(join(folder, path), 0);
      },
    ],
    [
      'names that programs trip over',
      () => ['-rf', '--', ' ', '\n', '*', '\u001b[2J', 'removed-1'].map((name) => mkdirSync(join(folder, name, name), { recursive: true })),
    ],
    ['names that are no UTF-8', () => mkdirSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe])]))],
    ['a pipe', () => execFileSync('mkfifo', [join(folder, 'pipe')])],
    ['a socket', () => new Promise<void>((resolve) => void (server = createServer().listen(join(folder, 'socket'), resolve)))],
    ['links', () => ['/', beside, '.', '..', '/none'].map((target, at) => symlinkSync(target, join(folder, `link-${at}`)))],
  ])('takes all that is in it: %s', async (_, make) => {
    await make();
    await removeTree(folder, { withinMs });
    expect(existsSync(folder)).toBe(false);
    expect(readFileSync(join(beside, 'inner/kept'), 'utf8')).toBe('kept');
  });

  it('does nothing where there is none, and takes a link for what it is', async () => {
    await removeTree(join(folder, 'none'));
    symlinkSync(beside, join(folder, 'link'));
    await removeTree(join(folder, 'link'));
    expect(readdirSync(folder)).toEqual([]);
    expect(existsSync(join(beside, 'inner/kept'))).toBe(true);
  });

  it('goes on without this process when its time is over', async () => {
    nest(folder, 2500);
    for (let at = 0; at < 500; at += 1) writeFileSync(join(folder, String(at)), '');
    await removeTree(folder, { withinMs: 0 });
    for (let tries = 0; tries < 300 && existsSync(folder); tries += 1) await sleep(100);
    expect(existsSync(folder)).toBe(false);
    expect(existsSync(join(beside, 'inner/kept'))).toBe(true);
  });
});
