import { execFileSync } from 'node:child_process';

/** Why a program can't be used; null where it can. `version` is how it is asked for its own. */
export const lacks = (program: string, version = '--version'): string | null => {
  try {
    execFileSync(program, [version], { stdio: 'ignore' });
    return null;
  } catch {
    return `${program} is not installed`;
  }
};

/** Runs a program to its end. @returns what it wrote to stdout; throws with its stderr where it fails */
export const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26 });
