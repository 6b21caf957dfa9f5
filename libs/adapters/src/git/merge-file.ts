import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail } from '@pinlane/contracts';
import { ask } from '../process/index.ts';

/** The texts of a file on both sides of a merge, and of their common ancestor. */
export interface ThreeTexts {
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
}

/**
 * Merges three texts line by line, as git does: what both sides changed differently stands between markers.
 * @param markerSize the length of a marker
 * @throws ERR_GIT_UNUSABLE
 */
export const mergeTexts = async (folder: string, texts: ThreeTexts, markerSize: number): Promise<{ readonly text: string; readonly conflicts: boolean }> => {
  const scratch = await mkdtemp(join(tmpdir(), 'pinlane-merge-'));
  try {
    const sides = ['ours', 'base', 'theirs'] as const;
    await Promise.all(sides.map((side) => writeFile(join(scratch, side), texts[side])));
    const args = [
      'merge-file',
      '-p',
      '--quiet',
      `--marker-size=${markerSize}`,
      ...sides.flatMap((side) => ['-L', side]),
      ...sides.map((side) => join(scratch, side)),
    ];
    const answer = await ask({ command: 'git', args, cwd: folder, env: { ...process.env, LC_ALL: 'C' }, timeoutMs: 60_000, maxBytes: 16 * 1024 * 1024 });
    // Its exit code is the number of conflicts, up to 127.
    if (answer.exitCode === null || answer.exitCode > 127) fail('ERR_GIT_UNUSABLE', `git merge-file: ${answer.stderr.trim() || answer.fault}`);
    return { text: answer.stdout, conflicts: answer.exitCode !== 0 };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};
