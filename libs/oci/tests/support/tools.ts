import { execFileSync } from 'node:child_process';

/** Why a program can't be used; null where it can. */
export const lacks = (program: string): string | null => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return null;
  } catch {
    return `${program} is not installed`;
  }
};

/** Runs a program to its end. @returns what it wrote to stdout; throws with its stderr where it fails */
export const run = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
