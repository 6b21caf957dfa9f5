import { describe, expect, it } from '@jest/globals';
import { drain, errorOfSync } from '@pinlane/testing';
import { accountEntries } from '../../src/tree/accounts.ts';
import { certificateEntries } from '../../src/tree/certificates.ts';
import { maker, type TreeEntry, type TreeFile } from '../../src/tree/entry.ts';
import { isDropped, parentsOf, treePath } from '../../src/tree/paths.ts';
import { systemEntries } from '../../src/tree/system-files.ts';
import { Tree } from '../../src/tree/tree.ts';

const one = maker('package one');
const two = maker('package two');

const build = (entries: readonly TreeEntry[]): TreeEntry[] => {
  const tree = new Tree();
  for (const entry of entries) tree.add(entry);
  return tree.finish();
};

const conflict = (entries: readonly TreeEntry[]): string => errorOfSync(() => build(entries)).message;

const read = async (entry: TreeEntry | undefined): Promise<string> => {
  if (entry?.type !== 'file') throw new Error('not a file');
  return (await drain(entry.open())).toString();
};

describe('a path in a package', () => {
  it.each([
    ['./lib/x86_64-linux-gnu/libc.so.6', 'usr/lib/x86_64-linux-gnu/libc.so.6'],
    ['./lib64/ld-linux-x86-64.so.2', 'usr/lib64/ld-linux-x86-64.so.2'],
    ['./bin/', 'usr/bin'],
    ['/sbin/ldconfig', 'usr/sbin/ldconfig'],
    ['./var/run/lock/x', 'run/lock/x'],
    ['./var/lock', 'run/lock'],
    ['./library/x', 'library/x'],
    ['./', ''],
  ])('%s is at %s in the merged tree', (raw, path) => {
    expect(treePath(raw, 'a package')).toBe(path);
  });

  it.each(['../etc/passwd', './usr/../../etc', 'a\0b', `${'x/'.repeat(3000)}y`])('is refused when it leaves the root or is none: %j', (raw) => {
    expect(() => treePath(raw, 'package evil')).toThrow(/ERR_LAYER_UNSAFE: package evil/);
  });

  it.each([
    ['usr/share/man/man1/dash.1.gz', 'file', true],
    ['usr/share/locale/de', 'directory', true],
    ['usr/share/doc/dash/changelog.gz', 'file', true],
    ['usr/share/doc/dash/examples', 'directory', true],
    ['usr/share/doc/dash/examples/copyright', 'file', true],
    ['usr/share/doc/dash/copyright', 'file', false],
    ['usr/share/doc/dash', 'directory', false],
    ['usr/share/doc/libgcc-s1', 'symlink', false],
    ['usr/share/manual', 'file', false],
    ['usr/share/zoneinfo/UTC', 'file', false],
  ])('%s (a %s) is left out: %s', (path, type, dropped) => {
    expect(isDropped(path, type)).toBe(dropped);
  });

  it('lies in its folders, nearest first', () => {
    expect(parentsOf('a/b/c')).toEqual(['a/b', 'a']);
    expect(parentsOf('a')).toEqual([]);
  });
});

describe('a tree', () => {
  it('lets packages share a folder and a link that say the same', () => {
    const entries = build([one.directory('usr'), two.directory('usr'), one.symlink('usr/a', 'b'), two.symlink('usr/a', 'b')]);
    expect(entries.map(({ path }) => path).sort()).toEqual(['usr', 'usr/a']);
  });

  it.each([
    ['two files', [one.file('usr/bin/x', 'a'), two.file('usr/bin/x', 'a')]],
    ['links that lead elsewhere', [one.symlink('etc/x', 'a'), two.symlink('etc/x', 'b')]],
    ['folders of other modes', [one.directory('etc', 0o755), two.directory('etc', 0o700)]],
    ['a file where another has a folder', [one.file('etc', ''), two.directory('etc')]],
    ['a file below a link', [one.symlink('usr/lib64', 'lib'), two.file('usr/lib64/x', 'a')]],
  ])('names both producers of %s', (_, entries) => {
    const message = conflict(entries);
    expect(message).toMatch(/^ERR_BASE_CONFLICT/);
    expect(message).toContain('package one');
    expect(message).toContain('package two');
  });

  it('reports every conflict at once', () => {
    const message = conflict([one.file('a', ''), two.file('a', ''), one.file('b', ''), two.file('b', '')]);
    expect(message.match(/ERR_BASE_CONFLICT/g)).toHaveLength(2);
  });

  it('makes the folders that nobody named', () => {
    expect(build([one.file('a/b/c', '')]).find(({ path }) => path === 'a/b')).toMatchObject({ type: 'directory', mode: 0o755, uid: 0 });
  });

  it('gives a second name of a file the same content, even when it comes before the first in order', async () => {
    const link: TreeEntry = { type: 'hardlink', path: 'usr/bin/a', target: 'usr/bin/z', mode: 0o755, uid: 0, gid: 0, producer: 'package one' };
    const entries = build([link, one.file('usr/bin/z', 'the program', 0o755)]);
    expect(await read(entries.find(({ path }) => path === 'usr/bin/a'))).toBe('the program');
  });

  it('refuses a second name of nothing', () => {
    const link: TreeEntry = { type: 'hardlink', path: 'a', target: 'b', mode: 0o644, uid: 0, gid: 0, producer: 'package one' };
    expect(conflict([link])).toMatch(/package one links \/a to \/b/);
  });

  it('lets a package keep what would otherwise be made for it', async () => {
    const tree = new Tree();
    tree.add(one.file('etc/hosts', 'of the package'));
    for (const entry of systemEntries('amd64')) tree.addIfAbsent(entry);
    expect(await read(tree.finish().find(({ path }) => path === 'etc/hosts'))).toBe('of the package');
  });
});

describe('what maintainer scripts would have made', () => {
  const all = [...systemEntries('amd64'), ...accountEntries()];
  const find = (path: string) => all.find((entry) => entry.path === path);

  it('is listed once for each path and does not contradict itself', () => {
    expect(build(all)).toHaveLength(all.length);
  });

  it('has a user for processors, with a home and a group, and no password for anybody', async () => {
    expect(await read(find('etc/passwd'))).toContain('node:x:1000:1000:node:/home/node:/bin/sh\n');
    expect(await read(find('etc/group'))).toContain('node:x:1000:\n');
    expect(find('home/node')).toMatchObject({ type: 'directory', uid: 1000, gid: 1000 });
    expect(
      (await read(find('etc/shadow')))
        .trim()
        .split('\n')
        .every((line) => line.split(':')[1] === '*'),
    ).toBe(true);
    expect(find('etc/shadow')).toMatchObject({ mode: 0o640, gid: 42 });
  });

  it('gives everybody the temporary folders and the processors theirs', () => {
    for (const path of ['tmp', 'var/tmp']) expect(find(path)).toMatchObject({ type: 'directory', mode: 0o1777 });
    expect(find('artifacts')).toMatchObject({ type: 'directory', uid: 1000 });
    expect(find('app')).toMatchObject({ type: 'directory', uid: 0, mode: 0o755 });
  });

  it('links lib64 on amd64 alone, as Debian does', () => {
    expect(find('lib64')).toMatchObject({ type: 'symlink', target: 'usr/lib64' });
    expect(systemEntries('arm64').map(({ path }) => path)).not.toContain('lib64');
  });
});

describe('the certificate bundle', () => {
  const pem = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
  const folder = 'usr/share/ca-certificates/mozilla';

  it('holds every certificate once, in the order of the files, with a link to each', async () => {
    const files = [one.file(`${folder}/A.crt`, pem('AAAA').replaceAll('\n', '\r\n')), one.file(`${folder}/B.crt`, `text\n${pem('BBBB')}`)] as TreeFile[];
    const [bundle, list, ...links] = await certificateEntries(files);
    expect(await read(bundle)).toBe(pem('AAAA') + pem('BBBB'));
    expect(await read(list)).toBe('mozilla/A.crt\nmozilla/B.crt\n');
    expect(links).toEqual([
      expect.objectContaining({ path: 'etc/ssl/certs/A.pem', target: `/${folder}/A.crt` }),
      expect.objectContaining({ path: 'etc/ssl/certs/B.pem', target: `/${folder}/B.crt` }),
    ]);
  });

  it('is refused when a file holds no certificate', async () => {
    await expect(certificateEntries([one.file(`${folder}/A.crt`, 'nothing')] as TreeFile[])).rejects.toThrow(/A\.crt of package one holds no certificate/);
  });

  it('is not made where there are none', async () => {
    expect(await certificateEntries([])).toEqual([]);
  });
});
