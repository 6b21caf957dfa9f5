import { spawnSync } from 'node:child_process';
import { statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { requirement, temporaryFolder } from '@pinlane/testing';
import { makeFolder } from '../../../src/index.ts';

const MODULE = resolve(import.meta.dirname, '../../../src/files/make-folder.ts');
const mounts = spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs tmpfs /mnt && mount -o remount,ro /mnt']).status === 0;

const codeOf = (path: string): Promise<string> =>
  makeFolder(path).then(
    () => 'made',
    (error: NodeJS.ErrnoException) => `${error.code} ${error.path}`,
  );

describe('makeFolder', () => {
  it('makes a folder and those above it, at once and again', async () => {
    const root = temporaryFolder('folders');
    const deep = join(root, ...Array.from({ length: 50 }, (_, at) => `f${at}`));
    expect(await Promise.all(Array.from({ length: 8 }, () => codeOf(deep)))).toEqual(Array.from({ length: 8 }, () => 'made'));
    expect([await codeOf(deep), await codeOf('/'), statSync(deep).isDirectory()]).toEqual(['made', 'made', true]);
    symlinkSync(deep, join(root, 'link'));
    expect([await codeOf(join(root, 'link')), await codeOf(join(root, 'link/more'))]).toEqual(['made', 'made']);
  });

  it('names the first folder that can not be made, and why', async () => {
    const root = temporaryFolder('folders');
    writeFileSync(join(root, 'file'), '');
    symlinkSync('nowhere', join(root, 'dangling'));
    expect(await codeOf(join(root, 'file'))).toBe(`EEXIST ${join(root, 'file')}`);
    expect(await codeOf(join(root, 'file/below/it'))).toMatch(/^ENOTDIR /);
    expect(await codeOf(join(root, 'dangling/below'))).toBe(`EEXIST ${join(root, 'dangling')}`);
    expect(await codeOf(join(root, 'x'.repeat(300), 'y'))).toMatch(/^ENAMETOOLONG /);
    // Where nobody can make a folder, Node's own goes on for ever.
    if (process.platform === 'linux') expect(await codeOf('/proc/nobody-makes-this/below')).toBe('ENOENT /proc/nobody-makes-this');
  });
});

requirement(
  'namespaces',
  mounts ? null : 'unshare -rm and mount',
  describe,
)('makeFolder on a read-only disk', () => {
  it.each(['one', 'one/two', 'one/two/three', 'there/one/two'])('says so of %s', (path) => {
    const script = `import(${JSON.stringify(MODULE)}).then((m) => m.makeFolder('/mnt/${path}')).catch((e) => console.log(e.code, e.path))`;
    const inside = 'mount -t tmpfs tmpfs /mnt && mkdir /mnt/there && mount -o remount,ro /mnt && exec "$@"';
    const { stdout } = spawnSync('unshare', ['-rm', 'sh', '-c', inside, 'sh', process.execPath, '-e', script], { encoding: 'utf8' });
    expect(stdout).toBe(`EROFS /mnt/${path.startsWith('there/') ? 'there/one' : 'one'}\n`);
  });
});
