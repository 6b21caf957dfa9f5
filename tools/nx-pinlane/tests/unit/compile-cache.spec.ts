import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '@pinlane/testing';
import { handOnCompileCache } from '../../src/nx/compile-cache.ts';

const PIN = ['node', 'nx', 'run-many', '-t', 'pin'];
const OF_THIS_NODE = `${process.version}-x64-0123abcd-1000`;

/** A folder for temporary files, in which Node keeps what it compiled. */
const temporaryWith = (...files: readonly string[]): string => {
  const folder = temporaryFolder('compile-cache');
  for (const file of files) {
    const path = join(folder, 'node-compile-cache', file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
  }
  return folder;
};

const handedOn = (temporary: string, env: Record<string, string> = {}, argv: readonly string[] = PIN): string | undefined => {
  const after: Record<string, string | undefined> = { ...env };
  handOnCompileCache(argv, after, temporary);
  return after['NODE_COMPILE_CACHE'];
};

describe("V8's compile cache", () => {
  const filled = temporaryWith(`${OF_THIS_NODE}/0a1b`);

  it('is handed on to tasks from where Node has it, or from where somebody wants it', () => {
    expect(handedOn(filled)).toBe(join(filled, 'node-compile-cache'));
    expect(handedOn(filled, { NODE_COMPILE_CACHE: '/elsewhere' })).toBe('/elsewhere');
  });

  it('is not where no command of this Node has filled it', () => {
    const empty = temporaryWith();
    mkdirSync(join(empty, 'node-compile-cache', OF_THIS_NODE), { recursive: true });
    expect([temporaryWith(), empty, temporaryWith('v1.2.3-x64-0123abcd-1000/0a1b'), temporaryWith('v24')].map((folder) => handedOn(folder))).toEqual(
      [1, 2, 3, 4].map(() => undefined),
    );
  });

  it('is not where tasks of others run, and where somebody wants none', () => {
    expect(handedOn(filled, {}, [...PIN, 'test'])).toBeUndefined();
    expect(handedOn(filled, { NX_COMPILE_CACHE: 'false' })).toBeUndefined();
    expect(handedOn(filled, { NODE_V8_COVERAGE: '/coverage' })).toBeUndefined();
  });
});
