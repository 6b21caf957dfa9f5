/**
 * What of /proc is about the whole machine, and read-only in every sandbox. Linux lets root of the machine write there without any capability, and a
 * processor that root starts is root of the machine, whatever it is called in its own namespace.
 */
export const MACHINE_WIDE = ['sys', 'sysrq-trigger', 'irq', 'bus', 'fs'] as const;

/**
 * The sizes of the file systems in memory that a processor may write to, in bytes. It is this machine's memory, which not every runtime can limit for a
 * processor. Documented in docs/reference/processor-contract.md.
 */
export const SANDBOX_BYTES = {
  /** /tmp. */
  tmp: 512 * 2 ** 20,
  /** /dev/shm. */
  sharedMemory: 64 * 2 ** 20,
} as const;
