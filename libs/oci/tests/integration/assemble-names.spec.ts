import { beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { problemsOf, temporaryFolder } from '@pinlane/testing';
import { openStore, unpackImage } from '../../src/index.ts';
import { build, writeFiles, type Files } from '../support/building.ts';
import { rawTar } from '../support/raw-tar.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('oci');
});

const outcomeOf = async (line: string, files: Files): Promise<string> => {
  const context = join(folder, 'context');
  await writeFiles(context, { Dockerfile: `FROM scratch\n${line}\n`, '.dockerignore': 'Dockerfile\n', f: 'f', ...files });
  const store = openStore(join(folder, 'store'));
  const problems = await problemsOf(async () => {
    const { index } = await build(context, store);
    await unpackImage(store, index.digest, { platform: 'linux/amd64', cacheDir: join(folder, 'cache') }).catch((cause: unknown) => {
      throw new Error('what was built cannot be unpacked', { cause });
    });
  });
  return problems.length === 0 ? 'built' : `${problems[0]!.code} ${problems[0]!.line} ${problems[0]!.message}`;
};

const name = 'a'.repeat(200);
const archive = (path: string, linkpath?: string): Files => ({
  'it.tar':
    linkpath === undefined
      ? rawTar([{ form: 'pax', name: 'short', flag: '0', content: Buffer.from('x'), records: { path } }])
      : rawTar([{ form: 'pax', name: path, flag: '2', linkName: '', ...(linkpath === '' ? {} : { records: { linkpath } }) }]),
});

describe('what a Dockerfile puts into an image', () => {
  it.each<[string, string, Files]>([
    ['the longest name', `COPY f /${'a'.repeat(255)}`, {}],
    ['a path as long as one may be', `COPY f /${`${name}/`.repeat(15)}b`, {}],
    ['a path as deep as one may be', `COPY f /${'a/'.repeat(255)}b`, {}],
    ['what scripts have a meaning for', 'ENV __proto__=1 constructor=2\nARG __proto__=1\nLABEL constructor=1\nCOPY f /__proto__/constructor', {}],
    ['what is named like a mark in the middle', 'COPY a.wh.b .whx /x/', { 'a.wh.b': 'x', '.whx': 'x' }],
  ])('can be unpacked if it is %s', async (_, line, files) => {
    expect(await outcomeOf(line, files)).toBe('built');
  });

  it.each<[string, string, Files, RegExp]>([
    ['a long name', `COPY f /${'a'.repeat(256)}`, {}, /ERR_CONTEXT_INVALID 2 .*more than 255 bytes/],
    ['a name of many bytes', `COPY f /${'é'.repeat(128)}`, {}, /ERR_CONTEXT_INVALID 2 .*more than 255 bytes/],
    ['a deep path', `COPY f /${'a/'.repeat(300)}b`, {}, /ERR_DOCKERFILE_SYNTAX 2 .*has more than 256 names/],
    ['a long path', `COPY f /${`${name}/`.repeat(17)}b`, {}, /ERR_CONTEXT_INVALID 2 .*more than 3072 bytes/],
    ['a working directory with a long name', `WORKDIR /${'a'.repeat(256)}`, {}, /ERR_CONTEXT_INVALID 2 .*more than 255 bytes/],
    ['a destination that is a mark', 'COPY f /.wh.f', {}, /ERR_CONTEXT_INVALID 2 .*takes files away/],
    ['a destination that is the mark of an opaque folder', 'COPY f /x/.wh..wh..opq', {}, /ERR_CONTEXT_INVALID 2 .*takes files away/],
    ['a destination in a mark', 'COPY f /.wh.d/f', {}, /ERR_CONTEXT_INVALID 2 /],
    ['a source that is a mark', 'COPY .wh.f /x/', { '.wh.f': 'x' }, /ERR_CONTEXT_INVALID 2 .*takes files away/],
    ['a mark among others', 'COPY . /x/', { 'd/.wh.f': 'x' }, /ERR_CONTEXT_INVALID 2 .*takes files away/],
    ['a folder that is a mark', 'COPY . /x/', { 'd/.wh.f/g': 'x' }, /ERR_CONTEXT_INVALID 2 .*takes files away/],
    ['a link that is a mark', 'COPY d /x/', { 'd/.wh.f': { link: 'f' } }, /ERR_CONTEXT_INVALID 2 .*takes files away/],
    ['a working directory that is a mark', 'WORKDIR /.wh.f', {}, /ERR_CONTEXT_INVALID 2 .*takes files away/],
    ['a here-document that is a mark', 'COPY <<.wh.q /x/\nq\n.wh.q', {}, /ERR_CONTEXT_INVALID 2 .*takes files away/],
    ['a long name in an archive', 'ADD it.tar /x/', archive('a'.repeat(256)), /ERR_CONTEXT_INVALID 2 .*more than 255 bytes/],
    ['a deep path in an archive', 'ADD it.tar /x/', archive(`${'a/'.repeat(300)}b`), /ERR_CONTEXT_INVALID 2 .*nested too deeply/],
    ['a link to nothing in an archive', 'ADD it.tar /x/', archive('l', ''), /ERR_LAYER_UNSAFE 2 .*link to nothing/],
    ['a label that readers lose', 'LABEL __proto__=1', {}, /ERR_DOCKERFILE_SYNTAX 2 .*LABEL can not name __proto__/],
    ['a volume that readers lose', 'VOLUME __proto__', {}, /ERR_DOCKERFILE_SYNTAX 2 .*VOLUME can not name __proto__/],
    ['a link to no path in an archive', 'ADD it.tar /x/', archive('l', 'a'.repeat(5000)), /ERR_LAYER_UNSAFE 2 .*link to what is no path/],
  ])('is refused with its line if no image can hold it: %s', async (_, line, files, message) => {
    expect(await outcomeOf(line, files)).toMatch(message);
  });

  it('may lie in the context if nothing copies it', async () => {
    expect(await outcomeOf('COPY f /', { '.wh.f': 'x', 'd/.wh..wh..opq': 'x' })).toBe('built');
  });
});
