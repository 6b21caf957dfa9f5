import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readSmallFile } from '@pinlane/oci';

/** A base.yaml is read as far as this, in bytes. */
const LIMIT = 1024 * 1024;

/** What every definition of a base has at its top level, and no file of another tool with that name has together. */
const KEYS = ['release', 'packages', 'node'].map((key) => new RegExp(`^${key}\\s*:`, 'm'));

/**
 * Whether the base.yaml in a folder defines a base image, and is no other tool's file: it has a lock beside it, or all that a base must say. What is wrong
 * with it is for its targets to tell.
 * @param root the folder, relative to the workspace's root
 */
export const isBase = (workspaceRoot: string, root: string): boolean => {
  const folder = join(workspaceRoot, root);
  if (existsSync(join(folder, 'base.lock.json'))) return true;
  try {
    const file = readSmallFile(join(folder, 'base.yaml'), LIMIT);
    const text = file.kind === 'file' ? Buffer.from(file.bytes).toString('utf8') : '';
    return KEYS.every((key) => key.test(text));
  } catch {
    return false;
  }
};
