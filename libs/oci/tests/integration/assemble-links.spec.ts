import { beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { problemsOf, temporaryFolder } from '@pinlane/testing';
import { openStore } from '../../src/index.ts';
import { build, buildFiles, inspect, writeFiles, type Files, type TarItem, type Unpacked } from '../support/building.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('oci');
});

const show = (layer: readonly Unpacked[]): string[] =>
  layer.map(({ name, type, linkname, content }) => (type === 'symlink' ? `${name} -> ${linkname}` : type === 'file' ? `${name} = ${content}` : name));

/** What the instructions behind a base add, all layers in one list. */
const added = async (dockerfile: string, files: Files, base: readonly TarItem[] = []): Promise<string[]> =>
  (await buildFiles(folder, dockerfile, files, { base: [base] })).layers.slice(1).flatMap(show);
const refusals = async (dockerfile: string, files: Files, base: readonly TarItem[] = []) =>
  (await problemsOf(() => added(dockerfile, files, base))).map(({ code, line, message }) => `${code} ${line} ${message}`);

describe('COPY of links', () => {
  const ROOTFS: Files = {
    'rootfs/bin': { link: 'usr/bin' },
    'rootfs/usr/bin/sh': 'sh',
    'rootfs/etc/mtab': { link: '/proc/self/mounts' },
    'rootfs/etc/up': { link: '../../../../etc/shadow' },
    'rootfs/dangling': { link: 'nowhere' },
    'rootfs/self': { link: 'self' },
    'rootfs/a': { link: 'b' },
    'rootfs/b': { link: 'a' },
  };

  it.each(['COPY rootfs/ /', 'COPY rootfs /', 'COPY root*/ /', 'ADD rootfs/ /'])('copies them as links, wherever they lead: %s', async (line) => {
    expect(await added(`FROM base\n${line}\n`, ROOTFS)).toEqual([
      'a -> b',
      'b -> a',
      'bin -> usr/bin',
      'dangling -> nowhere',
      'etc/',
      'etc/mtab -> /proc/self/mounts',
      'etc/up -> ../../../../etc/shadow',
      'self -> self',
      'usr/',
      'usr/bin/',
      'usr/bin/sh = sh',
    ]);
  });

  it.each([
    ['that is absolute, below the root of the context', { abs: { link: '/sub/x' }, 'sub/x': 'x' }, 'abs'],
    ['that is relative', { 'a/rel': { link: '../sub/x' }, 'sub/x': 'x' }, 'a/rel'],
    ['on the way', { way: { link: 'sub' }, 'sub/x': 'x' }, 'way/x'],
    ['after another, and another', { one: { link: '/two' }, two: { link: 'three' }, three: { link: './sub/../sub/x' }, 'sub/x': 'x' }, 'one'],
    ['on the way to a pattern', { way: { link: '/sub' }, 'sub/x': 'x' }, 'way/*'],
  ] as const)('follows a source %s', async (_, files, source) => {
    expect((await added(`FROM base\nCOPY ${source} /to/\n`, files))[1]).toMatch(/^to\/\w+ = x$/);
  });

  it.each([
    ['up', { up: { link: '../secret' } }, 'up'],
    ['far up', { 'a/up': { link: '../../../../../../etc/passwd' } }, 'a/up'],
    ['absolute', { abs: { link: '/etc/passwd' } }, 'abs'],
    ['of links', { one: { link: 'two' }, two: { link: '/../../x' } }, 'one'],
    ['on the way', { way: { link: '../..' }, x: '' }, 'way/x'],
    ['that a pattern finds', { 'up-1': { link: '..' } }, 'up-*'],
    ['up and in again', { up: { link: '../etc/x' }, 'etc/x': 'x' }, 'up'],
  ] as const)('refuses a source that leads out of the context: %s', async (_, files, source) => {
    expect(await refusals(`FROM base\nCOPY ${source} /to/\n`, files)).toEqual([expect.stringMatching(/^ERR_PATH_ESCAPES 2 .*leads out of the build context/)]);
  });

  it('refuses a source that leads in a circle, by name', async () => {
    expect(await refusals('FROM base\nCOPY a /to/\n', { a: { link: 'b' }, b: { link: 'a' } })).toEqual([
      expect.stringMatching(/^ERR_CONTEXT_INVALID 2 "a" leads over links in a circle/),
    ]);
  });

  it('does not follow a link that a pattern comes upon, so that no tree is endless', async () => {
    const files = { 'sub/x': 'x', 'sub/l': { link: '.' }, 'sub/m': { link: '.' }, l: { link: 'sub' } };
    expect(await added('FROM base\nCOPY */x /to/\n', files)).toEqual(['to/', 'to/x = x']);
    expect(await refusals(`FROM base\nCOPY sub/${'*/'.repeat(40)}x /to/\n`, files)).toEqual([expect.stringMatching(/^ERR_COPY_MISSING/)]);
  });
});

describe('COPY to a link of the image', () => {
  const BASE: readonly TarItem[] = [
    { name: 'data', type: 'directory', mode: 0o755 },
    { name: 'opt', type: 'directory', mode: 0o755 },
    { name: 'opt/abs', type: 'symlink', linkname: '/data' },
    { name: 'opt/rel', type: 'symlink', linkname: '../data' },
    { name: 'opt/up', type: 'symlink', linkname: '../../../../data' },
    { name: 'opt/chain', type: 'symlink', linkname: 'abs' },
    { name: 'opt/new', type: 'symlink', linkname: '/made/here' },
    { name: 'opt/loop', type: 'symlink', linkname: 'loop' },
    { name: 'opt/ping', type: 'symlink', linkname: '/opt/pong' },
    { name: 'opt/pong', type: 'symlink', linkname: 'ping' },
  ];

  it.each([
    ['/opt/abs/', ['data/a = a']],
    ['/opt/abs', ['data/a = a']],
    ['/opt/rel/', ['data/a = a']],
    ['/opt/up/', ['data/a = a']],
    ['/opt/chain/sub/', ['data/sub/', 'data/sub/a = a']],
    ['/opt/new/', ['made/', 'made/here/', 'made/here/a = a']],
    ['/opt/new', ['made/', 'made/here = a']],
  ])('follows it inside of the image: %s', async (destination, expected) => {
    expect(await added(`FROM base\nCOPY a ${destination}\n`, { a: 'a' }, BASE)).toEqual(expected);
    expect(await added(`FROM base\nWORKDIR /opt\nCOPY a ${destination.replace('/opt/', './')}\n`, { a: 'a' }, BASE)).toEqual(expected);
  });

  it.each(['/opt/loop/', '/opt/loop', '/opt/ping/x', '/opt/pong'])('refuses links in a circle, by name: %s', async (destination) => {
    expect(await refusals(`FROM base\nCOPY a ${destination}\n`, { a: 'a' }, BASE)).toEqual([
      expect.stringMatching(/^ERR_CONTEXT_INVALID 2 .*links in a circle/),
    ]);
  });

  it('follows one that an instruction before it made', async () => {
    const files = { 'rootfs/opt/link': { link: '/srv/data' }, a: 'a' };
    expect(await added('FROM base\nCOPY rootfs/ /\nCOPY a /opt/link/\n', files)).toEqual([
      'opt/',
      'opt/link -> /srv/data',
      'srv/',
      'srv/data/',
      'srv/data/a = a',
    ]);
  });
});

describe('what no image can hold', () => {
  const prepare = async (dockerfile: string): Promise<string> => {
    const context = join(folder, 'context');
    await writeFiles(context, { Dockerfile: dockerfile, 'ok/a': 'a', 'odd/a': 'a' });
    execFileSync('mkfifo', [join(context, 'odd/pipe')]);
    await mkdir(join(context, 'odd/new\nline'));
    await writeFile(Buffer.concat([Buffer.from(`${context}/odd/`), Buffer.from([0xff])]), 'x');
    return context;
  };

  it('harms no build that does not copy it', async () => {
    const store = openStore(join(folder, 'store'));
    const image = await build(await prepare('FROM scratch\nCOPY ok odd/a /to/\n'), store);
    expect((await inspect(store, image)).layers.flatMap(show)).toEqual(['to/', 'to/a = a']);
  });

  it.each([
    ['COPY odd/pipe /', /is a pipe/],
    ['ADD odd/pipe /', /is a pipe/],
    ['COPY odd /', /is a pipe|control characters|not UTF-8/],
    ['COPY . /', /is a pipe|control characters|not UTF-8/],
    ['COPY odd/new* /x/', /control characters/],
    ['COPY od?/*e /', /is a pipe|control characters/],
  ])('fails one that does, with the line: %s', async (line, why) => {
    const context = await prepare(`FROM scratch\n${line}\n`);
    const problems = await problemsOf(() => build(context, openStore(join(folder, 'store'))));
    expect(problems).toMatchObject([{ code: 'ERR_CONTEXT_INVALID', line: 2, message: expect.stringMatching(why) }]);
  });
});
