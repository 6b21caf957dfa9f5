import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '@pinlane/contracts';
import { holderSchema, isGone, newHolder, type Holder } from './holder.ts';
import { ifThere } from './if-there.ts';
import { createWhole } from './whole-file.ts';

/** Where the files of a lock are, what it locks, and how long to wait for it. */
export interface LockPlace {
  /** A folder for this lock alone. */
  readonly folder: string;
  /** On the same file system as `folder`. */
  readonly temporary: string;
  /** How long to wait for a living holder, in ms. */
  readonly patienceMs: number;
  /** What is locked, for the message: `the push journal of x`. */
  readonly what: string;
  /** The error if a living holder keeps the lock; ERR_LOCKED if absent. */
  readonly code?: 'ERR_STORE_LOCKED' | 'ERR_LOCKED';
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

type Found = Holder | { readonly hold: string; readonly unreadable: true };

const readHolder = async (path: string): Promise<Found | undefined> => {
  const text = await ifThere(readFile(path, 'utf8'));
  if (text === undefined) return undefined;
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    // The file was put in place whole. Only a crash of the whole machine can have damaged it, and its holder did not survive that.
    const info = await ifThere(stat(path));
    return info && { hold: `unreadable-${info.ino}`, unreadable: true };
  }
};

const surelyGone = async (found: Found): Promise<boolean> => 'unreadable' in found || isGone(found);

/**
 * Takes the sole right to remove one hold whose holder is gone. A claim is a file that can be created once. If its claimant is gone as well, that claim is
 * claimed in turn, so at most one living process has the right.
 */
export const claim = async (place: Pick<LockPlace, 'folder' | 'temporary'>, hold: string, me: Holder): Promise<boolean> => {
  const path = join(place.folder, `claim-${hold}`);
  if (await createWhole(place.temporary, path, JSON.stringify(me))) return true;
  const other = await readHolder(path);
  return other !== undefined && (await surelyGone(other)) && claim(place, other.hold, me);
};

/**
 * Removes a lock whose holder is gone. Nobody else can remove this hold: its holder is gone, and this process has the only claim. If the lock was taken anew
 * meanwhile, there is another hold in it, and it stays.
 */
const breakLock = async (place: LockPlace, path: string, hold: string): Promise<void> => {
  if (!(await claim(place, hold, await newHolder()))) return;
  if ((await readHolder(path))?.hold === hold) await rm(path, { force: true });
};

/** Removes all claims; only for the holder of the lock. While the lock is held, every claim is about an earlier hold and has no effect any more. */
const sweepClaims = async ({ folder }: LockPlace): Promise<void> => {
  const names = ((await ifThere(readdir(folder))) ?? []).filter((name) => name.startsWith('claim-'));
  await Promise.all(names.map((name) => rm(join(folder, name), { force: true })));
};

const refuse = ({ what, code = 'ERR_LOCKED' }: LockPlace, path: string, holder: Found): never => {
  const who = 'unreadable' in holder ? 'an unknown process' : `process ${holder.pid} on ${holder.machine}`;
  return fail(code, `${what} is locked: ${path} is held by ${who}`, { fix: `Wait for it to end; where it is surely gone, remove ${path}.` });
};

/** Waits until the lock is free, or breaks it. The lock may change at any time after it was read here; only taking it counts. */
const waitFor = async (place: LockPlace, path: string, giveUp: number): Promise<void> => {
  for (let pause = 1; ; pause = Math.min(pause * 2, 32)) {
    const holder = await readHolder(path);
    if (holder === undefined) return;
    if (place.signal?.aborted) fail('ERR_CANCELLED', `the wait for the lock of ${place.what} was interrupted`);
    if (await surelyGone(holder)) await breakLock(place, path, holder.hold);
    else if (performance.now() > giveUp) refuse(place, path, holder);
    await sleep(pause * (0.5 + Math.random()));
  }
};

/**
 * Runs `work` while no other process, and no other call in this process, runs under the same lock. A crash of the holder leaves a file behind: the next
 * process that wants the lock sees that its holder is gone and removes it; if several see it, exactly one does.
 * @throws ERR_LOCKED, or the code of the place, if a living holder keeps the lock for longer than `patienceMs`; ERR_CANCELLED; and what `work` throws
 */
export const withLock = async <T>(place: LockPlace, work: () => Promise<T>): Promise<T> => {
  const path = join(place.folder, 'index');
  const text = JSON.stringify(await newHolder());
  const giveUp = performance.now() + place.patienceMs;
  while (!(await createWhole(place.temporary, path, text))) await waitFor(place, path, giveUp);
  try {
    await sweepClaims(place);
    return await work();
  } finally {
    await rm(path, { force: true });
  }
};
