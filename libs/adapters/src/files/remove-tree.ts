import { randomUUID } from 'node:crypto';
import { chmodSync, closeSync, constants, existsSync, opendirSync, openSync, renameSync, rmdirSync, unlinkSync, type Dir, type Dirent } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as others } from 'node:timers/promises';
import { lstatIfThere } from '@pinlane/oci';
import { startProgram } from '../process/index.ts';

type Path = string | Buffer;

/** How long a removal takes at most before another process goes on with it, in ms. Nx gives an interrupted task 5 s for all. */
const PATIENCE_MS = 20_000;
const INTERRUPTED_MS = 1_000;
/** How many names are removed before other work gets its turn. Each by itself is done sooner than it could be waited for. */
const BATCH = 64;
/** How often a folder is emptied that is found filled again, such as by a process that nobody could end. */
const ROUNDS = 3;
/** Linux: open what a name stands for, and nothing of its content. It takes no right on it. */
const O_PATH = 0x200000;
const BY_DESCRIPTOR = existsSync('/proc/self/fd');

/** Every folder may be closed to its own owner. `rm -rf` goes down by descriptors, so that no path is too long for it. */
const SCRIPT = 'chmod -R u+rwx -- "$1" 2>/dev/null; rm -rf -- "$1"';

/** Does some work, unless it fails for one of these reasons of the system. @returns whether it was done */
const unless = (codes: readonly string[], work: () => void): boolean => {
  try {
    work();
    return true;
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
};
const GONE = ['ENOENT'];
const FILLED = ['ENOTEMPTY', 'EEXIST'];

/** Lets this user do everything in a folder. A link that took its place is not followed. */
const enter = (folder: Path): void => {
  if (!BY_DESCRIPTOR) return chmodSync(folder, 0o700);
  const handle = openSync(folder, O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY);
  try {
    chmodSync(`/proc/self/fd/${handle}`, 0o700);
  } finally {
    closeSync(handle);
  }
};

/** The types of Node do not know that names may come as bytes. */
const openFolder = (folder: Path): Omit<Dir, 'readSync'> & { readSync(): Dirent<Buffer> | null } =>
  opendirSync(folder as string, { encoding: 'buffer' as BufferEncoding, bufferSize: BATCH }) as unknown as ReturnType<typeof openFolder>;

/** What is left of a removal. */
interface Work {
  /** Says whether the time is over. */
  isLate(): boolean;
  /** Counts names, lets other work have its turn, and says whether the time is over. */
  isOver(): Promise<boolean>;
}

const workWithin = (withinMs: number, signal: AbortSignal | undefined): Work => {
  let until = performance.now() + withinMs;
  let interrupted: number | undefined;
  const isLate = (): boolean => {
    if (signal?.aborted) until = Math.min(until, (interrupted ??= performance.now()) + INTERRUPTED_MS);
    return performance.now() > until;
  };
  let names = 0;
  return {
    isLate,
    isOver: async () => {
      if ((names += 1) % BATCH !== 0) return false;
      await others();
      return isLate();
    },
  };
};

/** Removes what is no folder from a folder, and hands each folder in it to `keep`. @returns false if the time is over */
const clear = async (folder: Path, work: Work, keep: (path: Buffer) => void): Promise<boolean> => {
  const open = openFolder(folder);
  try {
    for (let entry = open.readSync(); entry !== null; entry = open.readSync()) {
      const path = Buffer.concat([Buffer.from(folder), Buffer.from('/'), entry.name]);
      if (entry.isDirectory()) keep(path);
      else unless(GONE, () => unlinkSync(path));
      if (await work.isOver()) return false;
    }
    return true;
  } finally {
    open.closeSync();
  }
};

/** Removes a tree by itself. @returns false if the time is over before all of it is gone */
const removeWithin = async (top: string, work: Work): Promise<boolean> => {
  const left: Path[] = [];
  const prefix = join(top, `removed-${randomUUID()}-`);
  let moved = 0;
  const keep = (path: Buffer): void => {
    enter(path);
    left.push(path);
  };
  const lift = (path: Buffer): void => {
    enter(path);
    const lifted = `${prefix}${(moved += 1)}`;
    renameSync(path, lifted);
    left.push(lifted);
  };
  enter(top);
  for (let round = 0; round < ROUNDS && !work.isLate(); round += 1) {
    if (!(await clear(top, work, keep))) return false;
    for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
      const emptied = folder;
      if (!(await clear(emptied, work, lift))) return false;
      // What is filled again is left for the next round.
      unless([...GONE, ...FILLED], () => rmdirSync(emptied));
    }
    if (unless(FILLED, () => void unless(GONE, () => rmdirSync(top)))) return true;
  }
  return false;
};

/**
 * Removes a folder with all that is in it, whatever somebody hostile left there: folders nested without end, names of any bytes, folders that are closed to
 * their owner, links, none of which is followed. Each folder is moved up into the top before it is emptied, so that no path gets long. What is not gone after
 * `withinMs`, or a second after the signal, another process goes on with, which outlives this one. There may be no such folder.
 * @throws the system's error, such as EPERM, if something can't be removed
 */
export const removeTree = async (
  folder: string,
  { withinMs = PATIENCE_MS, signal }: { readonly withinMs?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<void> => {
  const found = lstatIfThere(folder);
  if (found === undefined) return;
  if (!found.isDirectory()) return void unless(GONE, () => unlinkSync(folder));
  let fault: Error | undefined;
  const gone = await removeWithin(folder, workWithin(withinMs, signal)).catch((error: Error) => {
    fault = error;
    return false;
  });
  if (gone) return;
  // Of what this process can't remove, the rest still goes.
  startProgram({ command: '/bin/sh', args: ['-c', SCRIPT, 'pinlane-remove', folder], output: false, group: true }).unref();
  if (fault !== undefined) throw fault;
};
