import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@pinlane/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { replaceFile } from '../../src/workspace/replace-file.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = temporaryFolder('replace');
  path = join(folder, 'registry.yaml');
  await writeFile(path, 'a\n');
});

const replace = (edit: (text: string) => Promise<{ text: string; value: string }>) => replaceFile(path, 'registry.yaml', join(folder, 'locks'), edit);

describe('replacing a file', () => {
  it('edits anew what a person saved while the edit was made', async () => {
    let attempts = 0;
    const value = await replace(async (text) => {
      attempts += 1;
      if (attempts === 1) await writeFile(path, 'a\nmine\n');
      return { text: `${text}pin\n`, value: text };
    });
    expect(await readFile(path, 'utf8')).toBe('a\nmine\npin\n');
    expect({ attempts, value }).toEqual({ attempts: 2, value: 'a\nmine\n' });
  });

  it('gives up, having written nothing, on a file that never rests', async () => {
    let attempts = 0;
    const replaced = replace(async (text) => {
      await writeFile(path, `a\n${(attempts += 1)}\n`);
      return { text: `${text}pin\n`, value: '' };
    });
    await expect(replaced).rejects.toMatchObject({ code: 'ERR_REGISTRY_CONFLICT' });
    expect(await readFile(path, 'utf8')).toBe(`a\n${attempts}\n`);
  });

  it('lets every one of many edits at once see the one before', async () => {
    const letters = [...'bcdefghij'];
    await Promise.all(letters.map((letter) => replace(async (text) => ({ text: `${text}${letter}\n`, value: '' }))));
    expect((await readFile(path, 'utf8')).trim().split('\n').sort()).toEqual(['a', ...letters]);
  });

  it('refuses a file that is not UTF-8, and leaves its bytes as they are', async () => {
    const bytes = Buffer.from([0x61, 0xff, 0x0a]);
    await writeFile(path, bytes);
    await expect(replace(async (text) => ({ text: `${text}x`, value: '' }))).rejects.toMatchObject({ code: 'ERR_REGISTRY_SYNTAX' });
    expect(await readFile(path)).toEqual(bytes);
  });

  it('keeps a byte order mark and CRLF', async () => {
    await writeFile(path, '\uFEFFa\r\n');
    await replace(async (text) => ({ text: text.replace('a', 'b'), value: '' }));
    expect(await readFile(path, 'utf8')).toBe('\uFEFFb\r\n');
  });
});
