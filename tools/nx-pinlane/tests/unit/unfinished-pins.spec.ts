import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { EXIT, type ExitCode } from '@pinlane/contracts';
import { temporaryFolder } from '@pinlane/testing';
import type { VerbContext } from '../../src/command/context.ts';
import { workspacePaths } from '../../src/workspace/paths.ts';
import { markedPin, unfinishedPins } from '../../src/workspace/unfinished-pins.ts';

let root: string;
let notes: string[];
beforeEach(() => {
  root = temporaryFolder('unfinished');
  notes = [];
  mkdirSync(join(root, 'processors/one'), { recursive: true });
});

const folder = () => join(root, '.pinlane/unfinished');
const unfinished = () => unfinishedPins(workspacePaths(root, 'staging'), (line) => notes.push(line));
/** Pins in a lane whose pins are committed. */
const pin = (work: () => Promise<ExitCode>) =>
  markedPin({ lane: 'staging' }, { root, project: 'one', projectRoot: 'processors/one', env: {} } as unknown as VerbContext, async () => ({
    document: {},
    lines: [],
    exitCode: await work(),
  }));

describe('the mark of a pin', () => {
  it('is there while it is pinned, and stays where that fails, until it ends well', async () => {
    const fails = pin(async () => {
      expect(await unfinished()).toEqual(['one']);
      throw new Error('it fails');
    });
    await expect(fails).rejects.toThrow('it fails');
    expect(await unfinished()).toEqual(['one']);
    await pin(async () => EXIT.verdict);
    expect(await unfinished()).toEqual(['one']);
    await pin(async () => EXIT.good);
    expect([await unfinished(), readdirSync(folder()), notes]).toEqual([[], [], []]);
  });

  it('counts where only half of it was written', async () => {
    mkdirSync(folder(), { recursive: true });
    writeFileSync(join(folder(), 'one.json'), '{"fol');
    expect([await unfinished(), notes]).toEqual([['one'], [expect.stringContaining('counts as unfinished')]]);
  });

  it('is written through no link', async () => {
    const elsewhere = join(root, 'elsewhere');
    writeFileSync(elsewhere, 'mine');
    mkdirSync(folder(), { recursive: true });
    symlinkSync(elsewhere, join(folder(), 'one.json'));
    await pin(async () => {
      expect(await unfinished()).toEqual(['one']);
      return EXIT.good;
    });
    expect([readFileSync(elsewhere, 'utf8'), await unfinished(), notes]).toEqual(['mine', [], []]);
  });
});
