import { randomUUID } from 'node:crypto';
import { constants, existsSync, type Dirent } from 'node:fs';
import { chmod, lstat, open, opendir, rename, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { startProgram } from '../process/index.ts';

type Path = string | Buffer;

/** How long a removal takes at most before another process goes on with it, in ms. */
const PATIENCE_MS = 20_000;
/** How many names are removed at once. */
const BATCH = 64;
/** How often a folder is emptied that is found filled again, such as by a process that nobody could end. */
const ROUNDS = 3;
/** Linux: open what a name stands for, and nothing of its content. It takes no right on it. */
const O_PATH = 0x200000;
const BY_DESCRIPTOR = existsSync('/proc/self/fd');

/** Every folder may be closed to its own owner. `rm -rf` goes down by descriptors, so that no path is too long for it. */
const SCRIPT = 'chmod -R u+rwx -- "$1" 2>/dev/null; rm -rf -- "$1"';

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

const unlessGone = async (work: Promise<unknown>): Promise<void> => {
  await work.catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
};

/** Lets this user do everything in a folder. A link that took its place is not followed. */
const enter = async (folder: Path): Promise<void> => {
  if (!BY_DESCRIPTOR) return chmod(folder, 0o700);
  const handle = await open(folder, O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY);
  try {
    await chmod(`/proc/self/fd/${handle.fd}`, 0o700);
  } finally {
    await handle.close();
  }
};

/** The types of Node do not know that names may come as bytes. */
const entriesOf = async (folder: Path): Promise<AsyncIterable<Dirent<Buffer>>> =>
  (await opendir(folder as string, { encoding: 'buffer' as BufferEncoding, bufferSize: BATCH })) as unknown as AsyncIterable<Dirent<Buffer>>;

const nameIn = (folder: Path, name: Buffer): Buffer => Buffer.concat([Buffer.from(folder), Buffer.from('/'), name]);

/** Removes what is no folder from a folder, and hands each folder in it to `keep`. @returns false if the time is over */
const clear = async (folder: Path, until: number, keep: (path: Buffer) => Promise<void>): Promise<boolean> => {
  let batch: Promise<void>[] = [];
  const settle = async (): Promise<void> => {
    const done = await Promise.allSettled(batch);
    batch = [];
    for (const each of done) if (each.status === 'rejected') throw each.reason;
  };
  for await (const entry of await entriesOf(folder)) {
    const path = nameIn(folder, entry.name);
    batch.push(entry.isDirectory() ? keep(path) : unlessGone(unlink(path)));
    if (batch.length < BATCH) continue;
    await settle();
    if (performance.now() > until) return false;
  }
  await settle();
  return performance.now() <= until;
};

/** Removes a tree by itself. @returns false if the time is over before all of it is gone */
const removeWithin = async (top: string, until: number): Promise<boolean> => {
  const left: Path[] = [];
  const prefix = join(top, `removed-${randomUUID()}-`);
  let moved = 0;
  const lift = async (path: Buffer): Promise<void> => {
    await enter(path);
    const lifted = `${prefix}${(moved += 1)}`;
    await rename(path, lifted);
    left.push(lifted);
  };
  await enter(top);
  for (let round = 0; round < ROUNDS; round += 1) {
    const known = async (path: Buffer): Promise<void> => {
      await enter(path);
      left.push(path);
    };
    if (!(await clear(top, until, known))) return false;
    for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
      if (!(await clear(folder, until, lift))) return false;
      // What is filled again is left for the next round.
      await rmdir(folder).catch((error: unknown) => {
        if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) throw error;
      });
    }
    const gone = await rmdir(top).then(
      () => true,
      (error: unknown) => codeOf(error) === 'ENOENT',
    );
    if (gone) return true;
  }
  return false;
};

/**
 * Removes a folder with all that is in it, whatever somebody hostile left there: folders nested without end, names of any bytes, folders that are closed to
 * their owner, links, none of which is followed. Each folder is moved up into the top before it is emptied, so that no path gets long. What is not gone after
 * `withinMs`, another process goes on with, which outlives this one. There may be no such folder.
 * @throws the system's error, such as EPERM, if something can't be removed
 */
export const removeTree = async (folder: string, { withinMs = PATIENCE_MS }: { readonly withinMs?: number } = {}): Promise<void> => {
  const found = await lstat(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isDirectory()) return unlessGone(unlink(folder));
  let fault: Error | undefined;
  const gone = await removeWithin(folder, performance.now() + withinMs).catch((error: Error) => {
    fault = error;
    return false;
  });
  if (gone) return;
  // Of what this process can't remove, the rest still goes.
  startProgram({ command: '/bin/sh', args: ['-c', SCRIPT, 'pinlane-remove', folder], output: false, group: true }).unref();
  if (fault !== undefined) throw fault;
};
