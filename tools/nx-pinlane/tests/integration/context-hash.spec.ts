import { chmod, mkdir, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@pinlane/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { contextHash } from '../../src/nx/cache-keys/context-hash.ts';

let folder: string;
beforeEach(async () => {
  folder = temporaryFolder('context');
  await mkdir(join(folder, 'model'));
  await writeFile(join(folder, 'model/weights'), 'one');
  await writeFile(join(folder, 'run.sh'), '#!/bin/sh\n');
  await symlink('v1', join(folder, 'current'));
  await writeFile(join(folder, 'registry.yaml'), 'ref: acme/echo@1\n');
});

const WHOLE = ['{projectRoot}/**/*', '!{projectRoot}/registry.yaml', { env: 'PINLANE_LANE' }];
const hashOf = (inputs: readonly unknown[] = WHOLE) => contextHash(folder, inputs, new Set(['registry.yaml', 'dist']));

describe('The hash of a build context', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['a file may be executed', () => chmod(join(folder, 'run.sh'), 0o755)],
    ['a link leads elsewhere', () => rm(join(folder, 'current')).then(() => symlink('v2', join(folder, 'current')))],
    ['a folder is there that is empty', () => mkdir(join(folder, 'empty'))],
    ['a file has other content of the same size', () => writeFile(join(folder, 'model/weights'), 'two')],
    ['a file is a link to the same bytes', () => rm(join(folder, 'run.sh')).then(() => symlink('model/../run', join(folder, 'run.sh')))],
    ['a large file was written', () => truncate(join(folder, 'model/weights'), 40_000_000)],
  ])('changes when %s', async (_title, change) => {
    const before = hashOf();
    await change();
    expect(hashOf()).not.toBe(before);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a file is merely touched', () => utimes(join(folder, 'run.sh'), 1e9, 1e9)],
    ['pins are written', () => writeFile(join(folder, 'registry.yaml'), 'ref: acme/echo@1\nimage: {}\n')],
    ['the bundle is written', () => mkdir(join(folder, 'dist')).then(() => writeFile(join(folder, 'dist/main.js'), ''))],
    ['a killed run left a file', () => writeFile(join(folder, 'model/.pinlane-4711-AbC_-9.tmp'), 'half')],
    ['only others may read a file', () => chmod(join(folder, 'run.sh'), 0o604)],
  ])('stays when %s', async (_title, change) => {
    const before = hashOf();
    await change();
    expect(hashOf()).toBe(before);
  });

  it('is of the paths that the inputs name, where they name paths alone', async () => {
    const inputs = ['{projectRoot}/Dockerfile', '{projectRoot}/model', '{projectRoot}/model/**/*', '{workspaceRoot}/x'];
    const before = hashOf(inputs);
    await chmod(join(folder, 'run.sh'), 0o755);
    expect(hashOf(inputs)).toBe(before);
    await writeFile(join(folder, 'model/weights'), 'two');
    expect(hashOf(inputs)).not.toBe(before);
  });

  it('is of everything, where an input is a pattern', async () => {
    const inputs = ['{projectRoot}/Dockerfile', '{projectRoot}/*.sh', '{projectRoot}/*.sh/**/*'];
    const before = hashOf(inputs);
    await writeFile(join(folder, 'model/weights'), 'two');
    expect(hashOf(inputs)).not.toBe(before);
  });

  it('is there for a folder that is not', () => {
    expect(contextHash(join(folder, 'nowhere'), WHOLE, new Set())).toMatch(/^[a-f0-9]{64}$/);
  });
});
