import { opendirSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asksOursAlone } from './asked.ts';

const VARIABLE = 'NODE_COMPILE_CACHE';

const hasFiles = (folder: string): boolean => {
  const open = opendirSync(folder);
  try {
    return open.readSync() !== null;
  } finally {
    open.closeSync();
  }
};

/** Whether an earlier command has kept something for this version of Node. */
const isFilled = (cache: string): boolean => {
  try {
    return readdirSync(cache).some((name) => name.startsWith(`${process.version}-`) && hasFiles(join(cache, name)));
  } catch {
    // It is not there, or another user's.
    return false;
  }
};

/**
 * Lets the processes that Nx starts for tasks load Nx by way of V8's compile cache, as Nx's other processes do, from where Node keeps it by itself: it is a
 * third of what they take to begin. A machine's first command would only fill it, which takes as long as it saves. Only where nobody but this plugin has
 * tasks, because with it the coverage of another program's tests would be less exact (Node.js, Module compile cache).
 */
export const handOnCompileCache = (argv: readonly string[], env: Record<string, string | undefined>, temporary = tmpdir()): void => {
  if (!asksOursAlone(argv) || env['NX_COMPILE_CACHE'] === 'false' || env['NODE_V8_COVERAGE'] !== undefined) return;
  // Nx hands on what is set in its daemon, even if it was there from a run before.
  const cache = env[VARIABLE] ?? join(temporary, 'node-compile-cache');
  if (isFilled(cache)) env[VARIABLE] = cache;
};
