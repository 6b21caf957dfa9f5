import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { lstatIfThere, statIfThere } from '@pinlane/oci';
import { temporaryFolder } from '@pinlane/testing';

it('finds what is there, and nothing where a part of the path is missing or a file', () => {
  const folder = temporaryFolder('if-there');
  mkdirSync(join(folder, 'some'));
  writeFileSync(join(folder, 'file'), 'text');
  symlinkSync('nowhere', join(folder, 'link'));
  const found = (path: string) => [statIfThere(join(folder, path)), lstatIfThere(join(folder, path))].map((stats) => stats?.size !== undefined);
  expect(Object.fromEntries(['some', 'file', 'link', 'none', 'none/file', 'file/tsconfig.json', 'file/a/b'].map((path) => [path, found(path)]))).toEqual({
    ...{ some: [true, true], file: [true, true], link: [false, true], none: [false, false] },
    ...{ 'none/file': [false, false], 'file/tsconfig.json': [false, false], 'file/a/b': [false, false] },
  });
});
