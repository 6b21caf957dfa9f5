import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import * as z from 'zod';

/** Identifies the holder of a lock: one hold of one process on one machine. */
export const holderSchema = z.object({
  /** Unique for each hold. */
  hold: z.string().min(1),
  pid: z.number().int().positive(),
  /** When the process started, as the kernel counts it; null if the system does not tell. A later process with the same number has another value. */
  started: z.string().nullable(),
  /** The host, and on Linux the namespace that `pid` belongs to. */
  machine: z.string(),
});
export type Holder = z.infer<typeof holderSchema>;

/** `starttime` from /proc/<pid>/stat (proc(5)) and the boot that it belongs to; null if there is no /proc. */
const startOf = async (pid: number): Promise<string | null> => {
  try {
    const [stat, boot] = await Promise.all([readFile(`/proc/${pid}/stat`, 'utf8'), readFile('/proc/sys/kernel/random/boot_id', 'utf8')]);
    // The program's name is in parentheses and may hold any character, so fields are counted from the last parenthesis.
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return started === undefined ? null : `${boot.trim()}/${started}`;
  } catch {
    return null;
  }
};

const machineName = async (): Promise<string> => `${hostname()} ${await readlink('/proc/self/ns/pid').catch(() => '')}`.trim();

type Self = Omit<Holder, 'hold'>;
let self: Promise<Self> | undefined;
const thisProcess = (): Promise<Self> =>
  (self ??= Promise.all([startOf(process.pid), machineName()]).then(([started, machine]) => ({ pid: process.pid, started, machine })));

/** A new hold of this process. */
export const newHolder = async (): Promise<Holder> => ({ hold: crypto.randomUUID(), ...(await thisProcess()) });

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
};

/** Whether a holder has surely ended. A process on another machine or in another container can't be seen, and counts as alive. */
export const isGone = async ({ pid, started, machine }: Holder): Promise<boolean> => {
  if (machine !== (await thisProcess()).machine) return false;
  if (!isThere(pid)) return true;
  if (started === null) return false;
  const now = await startOf(pid);
  return now !== null && now !== started;
};
