import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '@pinlane/contracts';
import { createWhole, ifThere } from './files.ts';
import { holderSchema, isGone, newHolder, type Holder } from './holder.ts';

/** Where a lock lives, and how long to wait for a holder that is alive, in ms. */
export interface LockPlace {
  readonly folder: string;
  readonly temporary: string;
  readonly patienceMs: number;
}

type Found = Holder | { readonly hold: string; readonly unreadable: true };

const readHolder = async (path: string): Promise<Found | undefined> => {
  const text = await ifThere(readFile(path, 'utf8'));
  if (text === undefined) return undefined;
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    // It was put in place whole, so only a crash of the whole machine can have left it like this: its holder did not survive that.
    const info = await ifThere(stat(path));
    return info && { hold: `unreadable-${info.ino}`, unreadable: true };
  }
};

const surelyGone = async (found: Found): Promise<boolean> => 'unreadable' in found || isGone(found);

/**
 * Takes the sole right to clear up after one hold whose holder is gone. A claim is a file that is created once; where its claimant is gone as well,
 * it is claimed in its turn. So of all living processes at most one has the right.
 */
export const claim = async (place: LockPlace, hold: string, me: Holder): Promise<boolean> => {
  const path = join(place.folder, `claim-${hold}`);
  if (await createWhole(place.temporary, path, JSON.stringify(me))) return true;
  const other = await readHolder(path);
  return other !== undefined && (await surelyGone(other)) && claim(place, other.hold, me);
};

/**
 * Removes a lock whose holder is gone. That very hold can be removed by nobody but its holder, who is gone, and the claimant, who we are; and a lock
 * that was taken since has another hold in it.
 */
const breakLock = async (place: LockPlace, path: string, hold: string): Promise<void> => {
  if (!(await claim(place, hold, await newHolder()))) return;
  if ((await readHolder(path))?.hold === hold) await rm(path, { force: true });
};

/** Only for the holder of the lock: while it is held, every claim is about a hold that is over, and means nothing any more. */
const sweepClaims = async ({ folder }: LockPlace): Promise<void> => {
  const names = ((await ifThere(readdir(folder))) ?? []).filter((name) => name.startsWith('claim-'));
  await Promise.all(names.map((name) => rm(join(folder, name), { force: true })));
};

/**
 * Runs `work` while no other process, and no other call in this one, runs under the same lock. A lock outlives a crash of its holder only as a file:
 * the next one who wants it sees that the holder is gone and clears it away; of several who see it exactly one does.
 * @throws ERR_STORE_LOCKED when a living holder keeps it for longer than `patienceMs`
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

/** Waits until the lock is free, or breaks it. What is read here may be old when it is acted upon; taking the lock is what counts. */
const waitFor = async (place: LockPlace, path: string, giveUp: number): Promise<void> => {
  for (let pause = 1; ; pause = Math.min(pause * 2, 32)) {
    const holder = await readHolder(path);
    if (holder === undefined) return;
    if (await surelyGone(holder)) await breakLock(place, path, holder.hold);
    else if (performance.now() > giveUp) refuse(path, holder);
    await sleep(pause * (0.5 + Math.random()));
  }
};

const refuse = (path: string, holder: Found): never => {
  const who = 'unreadable' in holder ? 'an unknown process' : `process ${holder.pid} on ${holder.machine}`;
  return fail('ERR_STORE_LOCKED', `${path} is held by ${who}`, { fix: `Wait for it to end; where it is surely gone, remove ${path}.` });
};
