import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import * as z from 'zod';
import { readOwnFile, writeOwnFile } from '../../src/workspace/own-file.ts';

const schema = z.strictObject({ a: z.literal(1) });

describe('a file that Pinlane keeps for itself', () => {
  let [folder, path] = ['', ''];
  beforeEach(() => {
    folder = temporaryFolder('own-file');
    path = join(folder, 'record.json');
    writeFileSync(join(folder, 'good.json'), '{"a":1}');
  });
  const read = () => {
    const notes: string[] = [];
    return { value: readOwnFile(path, schema, 'it is made anew', (line) => notes.push(line)), notes };
  };

  it('is read without a note, and its absence too', () => {
    expect(read()).toEqual({ value: null, notes: [] });
    writeFileSync(path, '{"a":1}');
    expect(read()).toEqual({ value: { a: 1 }, notes: [] });
  });

  it.each<[string, () => unknown, string]>([
    ['a link, even to one that is good', () => symlinkSync('good.json', path), 'it is no plain file'],
    ['a link to nowhere', () => symlinkSync('/none', path), 'it is no plain file'],
    ['a link to itself', () => symlinkSync(path, path), 'it is no plain file'],
    ['a link to an endless device', () => symlinkSync('/dev/zero', path), 'it is no plain file'],
    ['a pipe', () => execFileSync('mkfifo', [path]), 'it is no plain file'],
    ['a folder', () => mkdirSync(path), 'it is no plain file'],
    ['too large', () => (writeFileSync(path, ''), truncateSync(path, 2 ** 20 + 1)), 'it has 1048577 bytes, and at most 1048576 are read'],
    ['no JSON', () => writeFileSync(path, '{'), 'it is not JSON'],
    ['no UTF-8', () => writeFileSync(path, Buffer.from('{"a":1,"b":"\xff"}', 'latin1')), 'it is not JSON'],
    ['of another version', () => writeFileSync(path, '{"a":2}'), 'it does not say what this version of Pinlane writes there'],
  ])('is ignored with a note, and written anew, if it is %s', async (_, make, why) => {
    make();
    expect(read()).toEqual({ value: null, notes: [`WARNING ${path} is ignored, because ${why}: it is made anew`] });
    await writeOwnFile(path, { a: 1 }, join(folder, 'tmp'));
    expect(read()).toEqual({ value: { a: 1 }, notes: [] });
    expect(readFileSync(join(folder, 'good.json'), 'utf8')).toBe('{"a":1}');
    expect(existsSync('/none')).toBe(false);
  });
});
