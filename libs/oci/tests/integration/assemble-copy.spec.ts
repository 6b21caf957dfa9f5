import { beforeEach, describe, expect, it } from '@jest/globals';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { problemsOf, temporaryFolder } from '@pinlane/testing';
import { openStore } from '../../src/index.ts';
import { build, buildFiles, inspect, packTar, putBase, writeFiles, type Files, type TarItem, type Unpacked } from '../support/building.ts';
import { verifyWhole } from '../support/images.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('oci');
});

const BASE: readonly TarItem[] = [
  { name: 'etc', type: 'directory', mode: 0o755 },
  { name: 'etc/passwd', content: 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1001::/home/node:/bin/sh\n' },
  { name: 'etc/group', content: 'root:x:0:\nweb:x:33:node\n' },
  { name: 'tmp', type: 'directory', mode: 0o1777 },
  { name: 'usr/lib', type: 'directory', mode: 0o755 },
  { name: 'usr/lib/libc.so', content: 'libc' },
  { name: 'lib', type: 'symlink', linkname: 'usr/lib' },
  { name: 'out', type: 'symlink', linkname: '../../../../outside' },
  { name: 'file', content: 'a file' },
];

const show = (layers: readonly (readonly Unpacked[])[]) =>
  layers.map((layer) =>
    layer.map(({ name, type, mode, uid, gid, linkname, content }) =>
      [name, type === 'file' ? '' : type, mode?.toString(8), `${uid}:${gid}`, type === 'file' ? JSON.stringify(content) : linkname].filter(Boolean).join(' '),
    ),
  );
const layersOf = async (dockerfile: string, files: Files, onBase = false) =>
  show((await buildFiles(folder, dockerfile, files, onBase ? { base: [BASE] } : {})).layers.slice(onBase ? 1 : 0));
const refusals = async (dockerfile: string, files: Files, onBase = false) =>
  (await problemsOf(() => layersOf(dockerfile, files, onBase))).map(({ code, line }) => [code, line]);

const FILES: Files = {
  'a.txt': 'a',
  'b.txt': 'b',
  'run.sh': { text: '#!', mode: 0o775 },
  'dir/x': 'x',
  'dir/sub/y': 'y',
  'dir/link': { link: 'x' },
  'dir/empty': null,
};

describe('COPY', () => {
  it.each([
    ['a file to a name', 'COPY a.txt /x/name', ['x/ directory 755 0:0', 'x/name 644 0:0 "a"']],
    ['a file into a folder that is named with a slash', 'COPY a.txt /x/', ['x/ directory 755 0:0', 'x/a.txt 644 0:0 "a"']],
    ['a file into the working directory', 'COPY run.sh .', ['run.sh 755 0:0 "#!"']],
    ['several files', 'COPY a.txt run.sh /x/', ['x/ directory 755 0:0', 'x/a.txt 644 0:0 "a"', 'x/run.sh 755 0:0 "#!"']],
    ['what a pattern matches', 'COPY *.txt n?ne* /x/', ['x/ directory 755 0:0', 'x/a.txt 644 0:0 "a"', 'x/b.txt 644 0:0 "b"']],
    [
      'the contents of a folder, not the folder',
      'COPY dir /x',
      ['x/ directory 755 0:0', 'x/empty/ directory 755 0:0', 'x/link symlink 777 0:0 x', 'x/sub/ directory 755 0:0', 'x/sub/y 644 0:0 "y"', 'x/x 644 0:0 "x"'],
    ],
    ['the target of a link that is named', 'COPY dir/link /x', ['x 644 0:0 "x"']],
    ['with owner and mode, by numbers', 'COPY --chown=7:8 --chmod=640 --link dir/sub /x/', ['x/ directory 755 7:8', 'x/y 640 7:8 "y"']],
    ['names with spaces, in the JSON form', 'COPY ["a.txt", "/x y/"]', ['x y/ directory 755 0:0', 'x y/a.txt 644 0:0 "a"']],
    ['names with variables', 'ARG F=a\nENV D=/x\nCOPY ${F}.txt $D/', ['x/ directory 755 0:0', 'x/a.txt 644 0:0 "a"']],
  ])('takes %s', async (_, line, expected) => {
    expect(await layersOf(`FROM scratch\n${line}\n`, { ...FILES, '.dockerignore': 'Dockerfile\n' })).toEqual([expected]);
  });

  it('takes a file into a folder that is there, though it is named without a slash', async () => {
    expect(await layersOf('FROM base\nCOPY a.txt /etc\n', FILES, true)).toEqual([['etc/a.txt 644 0:0 "a"']]);
  });

  it('takes ADD of a local file as COPY', async () => {
    expect(await layersOf('FROM scratch\nADD a.txt /\n', FILES)).toEqual([['a.txt 644 0:0 "a"']]);
  });

  it('makes one layer for each instruction that adds something, none for others', async () => {
    const { layers, config } = await buildFiles(folder, 'FROM scratch\nWORKDIR /app\nCOPY a.txt ./\nENV A=1\nWORKDIR /app\nCOPY b.txt ./\n', FILES);
    expect(show(layers)).toEqual([['app/ directory 755 0:0'], ['app/a.txt 644 0:0 "a"'], ['app/b.txt 644 0:0 "b"']]);
    expect(config.history!.map(({ created_by: by, empty_layer: empty = false }) => [by, empty])).toEqual([
      ['WORKDIR /app', false],
      ['COPY a.txt ./', false],
      ['ENV A=1', true],
      ['WORKDIR /app', true],
      ['COPY b.txt ./', false],
    ]);
  });

  it('leaves mode and owner of folders that are there as they are', async () => {
    expect(await layersOf('FROM base\nCOPY root/ /\n', { 'root/tmp/x': 'x', 'root/etc/y': 'y' }, true)).toEqual([['etc/y 644 0:0 "y"', 'tmp/x 644 0:0 "x"']]);
  });

  it('changes folders that are there where owner or mode is asked for', async () => {
    expect(await layersOf('FROM base\nCOPY --chown=5:6 root/ /\n', { 'root/tmp/x': 'x' }, true)).toEqual([['tmp/ directory 1777 5:6', 'tmp/x 644 5:6 "x"']]);
  });

  it('follows links of the base inside its root', async () => {
    expect(await layersOf('FROM base\nCOPY a.txt /lib/\nCOPY b.txt /lib/sub/b\n', FILES, true)).toEqual([
      ['usr/lib/a.txt 644 0:0 "a"'],
      ['usr/lib/sub/ directory 755 0:0', 'usr/lib/sub/b 644 0:0 "b"'],
    ]);
    expect(await layersOf('FROM base\nCOPY a.txt /out/x/\n', FILES, true)).toEqual([
      ['outside/ directory 755 0:0', 'outside/x/ directory 755 0:0', 'outside/x/a.txt 644 0:0 "a"'],
    ]);
  });

  it('finds users and groups in the files of the stage, those that were copied into it too', async () => {
    expect(await layersOf('FROM base\nCOPY --chown=node a.txt /x\nCOPY --chown=node:web a.txt /y\nCOPY --chown=12 a.txt /z\n', FILES, true)).toEqual([
      ['x 644 1000:1001 "a"'],
      ['y 644 1000:33 "a"'],
      ['z 644 12:12 "a"'],
    ]);
    expect(await layersOf('FROM scratch\nCOPY passwd /etc/passwd\nCOPY --chown=me passwd /x\n', { passwd: 'me:x:9:8::\n' })).toEqual([
      ['etc/ directory 755 0:0', 'etc/passwd 644 0:0 "me:x:9:8::\\n"'],
      ['x 644 9:8 "me:x:9:8::\\n"'],
    ]);
  });

  it('gives a WORKDIR that is new to the user of the stage', async () => {
    expect(await layersOf('FROM base\nUSER node\nWORKDIR /home/node\n', {}, true)).toEqual([
      ['home/ directory 755 1000:1001', 'home/node/ directory 755 1000:1001'],
    ]);
  });

  it('copies from an earlier stage, from an image, and from their layers below', async () => {
    const dockerfile =
      'FROM base AS one\nCOPY --chown=4:5 --chmod=600 a.txt /own/\nFROM one AS two\nFROM scratch\nCOPY --from=two /own /etc/group /x/\nCOPY --from=base /lib/libc.so /y\n';
    const { store, context } = await buildFiles(folder, dockerfile, FILES, { base: [BASE] });
    expect(show((await inspect(store, await build(context, store, { bases: { base: await putBase(store, [BASE]) } }))).layers)).toEqual([
      ['x/ directory 755 0:0', 'x/a.txt 600 4:5 "a"', 'x/group 644 0:0 "root:x:0:\\nweb:x:33:node\\n"'],
      ['y 644 0:0 "libc"'],
    ]);
  });

  it('sees layers as a container would: whiteouts, opaque folders, files that were replaced', async () => {
    const layers: TarItem[][] = [
      [
        { name: 'd/old', content: 'old' },
        { name: 'd/gone', content: 'gone' },
        { name: 'o/below', content: 'below' },
        { name: 'link', type: 'symlink', linkname: 'd' },
      ],
      [
        { name: 'd/.wh.gone', content: '' },
        { name: 'o/above', content: 'above' },
        { name: 'o/.wh..wh..opq', content: '' },
        { name: 'link/old', content: 'new' },
      ],
    ];
    const { layers: built } = await buildFiles(folder, 'FROM scratch\nCOPY --from=base / /r/\n', {}, { base: layers });
    expect(show(built)).toEqual([
      [
        'r/ directory 755 0:0',
        'r/d/ directory 755 0:0',
        'r/d/old 644 0:0 "new"',
        'r/link symlink 777 0:0 d',
        'r/o/ directory 755 0:0',
        'r/o/above 644 0:0 "above"',
      ],
    ]);
  });

  it('keeps hard links of a stage, and makes none of its own', async () => {
    const base: TarItem[][] = [
      [
        { name: 'b/perl', content: 'perl', mode: 0o755 },
        { name: 'b/a-perl', type: 'link', linkname: 'b/perl' },
        { name: 'b/soft', type: 'symlink', linkname: 'perl' },
      ],
    ];
    const { layers } = await buildFiles(folder, 'FROM scratch\nCOPY --from=base /b/ /\nCOPY x y /z/\n', { x: 'same', y: { link: 'x' } }, { base });
    expect(show(layers)).toEqual([
      ['a-perl 755 0:0 "perl"', 'perl link 755 0:0 a-perl', 'soft symlink 777 0:0 perl'],
      ['z/ directory 755 0:0', 'z/x 644 0:0 "same"', 'z/y 644 0:0 "same"'],
    ]);
  });

  it('builds a layer that is the same for both platforms once', async () => {
    const { image } = await buildFiles(folder, 'FROM scratch\nARG TARGETARCH\nCOPY a.txt /\nCOPY bin-$TARGETARCH /bin\n', {
      ...FILES,
      'bin-amd64': 'x',
      'bin-arm64': 'y',
    });
    expect([image.builtLayers, image.reusedLayers]).toEqual([3, 0]);
  });

  it('builds only what is missing, and again what has left the store', async () => {
    const { store, context, image } = await buildFiles(folder, 'FROM scratch\nCOPY a.txt /\nCOPY b.txt /\n', FILES);
    await writeFiles(context, { 'b.txt': 'changed' });
    const second = await build(context, store);
    expect([second.builtLayers, second.reusedLayers]).toEqual([1, 1]);
    await writeFiles(context, { 'b.txt': 'b' });
    await rm(join(store.root, 'blobs'), { recursive: true });
    const third = await build(context, store);
    expect([third.index.digest, third.builtLayers]).toEqual([image.index.digest, 2]);
    await verifyWhole(store, third.index.digest);
  });
});

describe('COPY that cannot be carried out', () => {
  it.each([
    ['a file that is not there', 'COPY nothing /', 'ERR_COPY_MISSING'],
    ['one of several files that is not there', 'COPY a.txt nothing /', 'ERR_COPY_MISSING'],
    ['patterns that match nothing', 'COPY *.nothing /', 'ERR_COPY_MISSING'],
    ['a file that .dockerignore hides', 'COPY hidden /', 'ERR_COPY_MISSING'],
    ['a path that leaves the context', 'COPY ../secret /', 'ERR_PATH_ESCAPES'],
    ['a path that leaves the context after entering it', 'COPY dir/../../secret /', 'ERR_PATH_ESCAPES'],
    ['several sources to what is no folder', 'COPY a.txt b.txt /x', 'ERR_DOCKERFILE_SYNTAX'],
    ['a malformed pattern', 'COPY [a /', 'ERR_DOCKERFILE_SYNTAX'],
    ['an empty variable', 'COPY $NONE /', 'ERR_DOCKERFILE_SYNTAX'],
    ['a folder onto a file', 'COPY dir /file', 'ERR_CONTEXT_INVALID'],
    ['a folder onto a link in the base', 'COPY lib-dir/ /', 'ERR_CONTEXT_INVALID'],
    ['a file onto a folder', 'COPY etc-file/ /', 'ERR_CONTEXT_INVALID'],
    ['a file below a file', 'COPY a.txt /file/x', 'ERR_CONTEXT_INVALID'],
    ['a user whom the stage does not know', 'COPY --chown=nobody a.txt /', 'ERR_DOCKERFILE_SYNTAX'],
    ['an owner that is none', 'COPY --chown=a:b:c a.txt /', 'ERR_DOCKERFILE_SYNTAX'],
    ['a mode in letters', 'COPY --chmod=u+x a.txt /', 'ERR_DOCKERFILE_UNSUPPORTED'],
    ['an archive that is packed in a way of which nothing is known here', 'ADD archive.txz /', 'ERR_DOCKERFILE_UNSUPPORTED'],
    ['an archive beside other sources', 'ADD a.txt archive.tar /', 'ERR_DOCKERFILE_UNSUPPORTED'],
    ['a here-document that is not closed', 'COPY <<EOF /x', 'ERR_DOCKERFILE_SYNTAX'],
    ['a WORKDIR that is a file', 'WORKDIR /file', 'ERR_CONTEXT_INVALID'],
  ])('is refused with its line: %s', async (_, line, code) => {
    const files: Files = {
      ...FILES,
      hidden: 'x',
      '.dockerignore': 'hidden',
      'lib-dir/lib/x': 'x',
      'etc-file/etc': 'x',
      'archive.txz': Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]),
      'archive.tar': await packTar([{ name: 'x', content: 'x' }]),
    };
    expect(await refusals(`FROM base\nENV A=1\n${line}\n`, files, true)).toEqual([[code, 3]]);
  });

  it('tells all problems of all stages that are needed, once for both platforms', async () => {
    expect(
      await refusals('FROM scratch AS a\nCOPY nothing /\nFROM scratch AS unused\nCOPY never /\nFROM scratch\nCOPY --from=a /absent /\nCOPY none /\n', FILES),
    ).toEqual([
      ['ERR_COPY_MISSING', 2],
      ['ERR_COPY_MISSING', 6],
      ['ERR_COPY_MISSING', 7],
    ]);
  });

  it('writes nothing', async () => {
    const store = openStore(join(folder, 'empty-store'));
    await writeFiles(join(folder, 'c'), { Dockerfile: 'FROM scratch\nCOPY a /\nCOPY nothing /\n', a: 'x' });
    expect(await problemsOf(() => build(join(folder, 'c'), store))).toHaveLength(1);
    await expect(readdir(store.root)).rejects.toThrow('ENOENT');
  });

  it('is refused where a layer of the base is hostile', async () => {
    const from = (item: TarItem) =>
      problemsOf(() => buildFiles(folder, 'FROM base\nCOPY a.txt /\n', FILES, { base: [[item]] })).then((problems) => problems.map(({ code }) => code));
    expect(await from({ name: '../escape', content: 'x' })).toEqual(['ERR_LAYER_UNSAFE']);
    expect(await from({ name: 'a/../../escape', content: 'x' })).toEqual(['ERR_LAYER_UNSAFE']);
    expect(await from({ name: 'a', type: 'link', linkname: '../../etc/shadow' })).toEqual(['ERR_LAYER_UNSAFE']);
    expect(await from({ name: 'a', type: 'link', linkname: 'absent' })).toEqual(['ERR_LAYER_UNSAFE']);
  });

  it('is refused for devices of a stage, and for links in a circle', async () => {
    const base: TarItem[][] = [
      [
        { name: 'dev/null', type: 'character-device', devmajor: 1, devminor: 3 },
        { name: 'l1', type: 'symlink', linkname: 'l2' },
        { name: 'l2', type: 'symlink', linkname: 'l1' },
      ],
    ];
    const from = (line: string) =>
      problemsOf(() => buildFiles(folder, `FROM base\n${line}\n`, FILES, { base })).then((problems) => problems.map(({ code, line: at }) => [code, at]));
    expect(await from('COPY --from=base /dev/ /x/')).toEqual([['ERR_LAYER_UNSAFE', 2]]);
    expect(await from('COPY --from=base /dev/null /x')).toEqual([['ERR_LAYER_UNSAFE', 2]]);
    expect(await from('COPY a.txt /l1/x')).toEqual([['ERR_CONTEXT_INVALID', 2]]);
  });
});
