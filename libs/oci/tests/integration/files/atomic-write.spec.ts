import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { writeFileAtomic } from '../../../src/index.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('files');
});

describe('an atomic write', () => {
  it('makes the folders that are missing and leaves nothing else behind', async () => {
    const path = join(folder, 'a/b/file.txt');
    await writeFileAtomic(path, 'text');
    expect(await readFile(path, 'utf8')).toBe('text');
    expect(await readdir(join(folder, 'a/b'))).toEqual(['file.txt']);
  });

  it('keeps the mode of the file that it replaces', async () => {
    const path = join(folder, 'file.txt');
    await writeFile(path, 'old');
    await chmod(path, 0o640);
    await writeFileAtomic(path, 'new');
    expect((await stat(path)).mode & 0o7777).toBe(0o640);
  });

  it('shows every reader the whole of the old contents or the whole of the new', async () => {
    const path = join(folder, 'file.txt');
    const texts = ['a', 'b'].map((letter) => letter.repeat(100_000));
    await writeFileAtomic(path, texts[0] as string);
    let writing = true;
    const seen = new Set<string>();
    const reader = (async () => {
      while (writing) seen.add(await readFile(path, 'utf8'));
    })();
    for (let round = 0; round < 20; round += 1) await writeFileAtomic(path, texts[round % 2] as string);
    writing = false;
    await reader;
    expect([...seen].filter((text) => !texts.includes(text))).toEqual([]);
    expect(seen.size).toBeGreaterThan(0);
  });

  it('leaves the old file and no other where it cannot put the new one in place', async () => {
    const path = join(folder, 'taken');
    await writeFileAtomic(join(path, 'inside'), 'x');
    await expect(writeFileAtomic(path, 'text')).rejects.toMatchObject({ code: expect.stringMatching(/EISDIR|ENOTEMPTY|EEXIST/) });
    expect(await readdir(folder)).toEqual(['taken']);
  });

  it('prepares the new contents elsewhere where it is told to, unless that is on another disk', async () => {
    const path = join(folder, 'sources/file.txt');
    const aside = join(folder, 'aside');
    await writeFileAtomic(path, 'old', { temporaryFolder: aside });
    const taken = join(folder, 'sources/taken');
    await writeFileAtomic(join(taken, 'inside'), 'x');
    await expect(writeFileAtomic(taken, 'text', { temporaryFolder: aside })).rejects.toMatchObject({ code: expect.any(String) });
    expect([await readdir(join(folder, 'sources')), await readdir(aside)]).toEqual([['file.txt', 'taken'], []]);

    // Not a temporaryFolder(): this one has to be on another disk.
    const shm = await mkdtemp('/dev/shm/pinlane-').catch(() => null);
    if (shm === null) return;
    await writeFileAtomic(path, 'new', { temporaryFolder: shm });
    expect([await readFile(path, 'utf8'), await readdir(shm)]).toEqual(['new', []]);
    await rm(shm, { recursive: true });
  });
});
