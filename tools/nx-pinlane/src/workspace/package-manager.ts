import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** By the file with which each package manager locks a workspace. */
const INSTALL: readonly (readonly [lockfile: string, command: string])[] = [
  ['pnpm-lock.yaml', 'pnpm install'],
  ['yarn.lock', 'yarn install'],
  ['bun.lock', 'bun install'],
  ['bun.lockb', 'bun install'],
  ['package-lock.json', 'npm ci'],
  ['npm-shrinkwrap.json', 'npm ci'],
];

/** The command that installs the packages of a workspace, by its lockfile; that of npm if it has none. */
export const installCommand = (root: string): string => INSTALL.find(([lockfile]) => existsSync(join(root, lockfile)))?.[1] ?? 'npm install';
