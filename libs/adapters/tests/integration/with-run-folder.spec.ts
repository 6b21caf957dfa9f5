import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { withRunFolder } from '../../src/index.ts';

let parent: string;
beforeEach(() => {
  parent = temporaryFolder('folders');
});

describe('A folder for a piece of work', () => {
  it('is there for as long as the work takes, whatever comes of that', async () => {
    const below = join(parent, 'not', 'there', 'yet');
    const during = await withRunFolder(below, 'run-', async (folder) => {
      await writeFile(join(folder, 'file'), 'x');
      return readdir(below);
    });
    expect(during).toEqual([expect.stringMatching(/^run-/)]);
    await expect(withRunFolder(below, 'run-', () => Promise.reject(new Error('no luck')))).rejects.toThrow('no luck');
    expect(await readdir(below)).toEqual([]);
  });
});
