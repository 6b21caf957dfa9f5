import { readFileSync } from 'node:fs';

let boot: string | null | undefined;

const read = (): string | null => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
};

/**
 * Names this run of the machine by a number that nobody knows before it; null where there is none. So what is kept is believed only where it was found out:
 * whatever a branch or a restored cache brings along was written before, and could name neither the number nor the times that files would have.
 */
export const bootOfMachine = (): string | null => (boot === undefined ? (boot = read()) : boot);
