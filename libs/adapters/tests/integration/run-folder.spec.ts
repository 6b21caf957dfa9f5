import { mkdir, readdir, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { makeRunFolder } from '../../src/index.ts';

let parent: string;
beforeEach(() => {
  parent = temporaryFolder('folders');
});

const hoursAgo = (hours: number) => new Date(Date.now() - hours * 60 * 60 * 1000);

describe('The folder of a run', () => {
  it('is new, for its user alone, and takes the place of those that killed runs left the day before', async () => {
    for (const [name, hours] of [
      ['run-left', 25],
      ['run-busy', 23],
      ['other-left', 25],
    ] as const) {
      await mkdir(join(parent, name));
      await writeFile(join(parent, name, 'file'), 'x');
      await utimes(join(parent, name), hoursAgo(hours), hoursAgo(hours));
    }
    const made = await makeRunFolder(parent, 'run-');
    expect((await readdir(parent)).sort()).toEqual(['other-left', 'run-busy', made.slice(parent.length + 1)].sort());
    expect((await stat(made)).mode & 0o777).toBe(0o700);
  });

  it('leaves alone what is no folder, links to folders too', async () => {
    await mkdir(join(parent, 'kept'));
    await utimes(join(parent, 'kept'), hoursAgo(48), hoursAgo(48));
    await symlink('kept', join(parent, 'run-link'));
    await writeFile(join(parent, 'run-file'), 'x');
    await utimes(join(parent, 'run-file'), hoursAgo(48), hoursAgo(48));
    await makeRunFolder(parent, 'run-');
    expect(await readdir(parent)).toEqual(expect.arrayContaining(['kept', 'run-link', 'run-file']));
  });
});
