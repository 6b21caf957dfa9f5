import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process that started containers, described so that it can be told from a later one with the same number. */
export interface Owner {
  readonly host: string;
  /** The boot of the machine. */
  readonly boot: string;
  /** The namespace in which `pid` counts. */
  readonly space: string;
  readonly pid: string;
  /** When the process started, in ticks since the boot. */
  readonly started: string;
}

const PREFIX = 'dev.pinlane.owner.';
const KEYS = ['host', 'boot', 'space', 'pid', 'started'] as const;

const read = (work: () => string): string => {
  try {
    return work().trim();
  } catch {
    return '';
  }
};

/** When a process started; empty if there is none of that number. Its name comes before, in parentheses, and may hold spaces. */
export const startOf = (pid: string): string =>
  read(
    () =>
      readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ')[19] ?? '',
  );

/** This very process. */
export const thisOwner = (): Owner => ({
  host: hostname(),
  boot: read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
  space: read(() => readlinkSync('/proc/self/ns/pid')),
  pid: String(process.pid),
  started: startOf('self'),
});

/** The labels that say which process of Pinlane a container belongs to. */
export const ownerLabels = (owner: Owner): Record<string, string> => Object.fromEntries(KEYS.map((key) => [`${PREFIX}${key}`, owner[key]]));

/** A format of `docker ps` that prints a container's id and its owner, one container a line. */
export const OWNER_FORMAT = ['{{.ID}}', ...KEYS.map((key) => `{{.Label "${PREFIX}${key}"}}`)].join('\t');

/** A filter of `docker ps` for the containers that have an owner. */
export const OWNED = `label=${PREFIX}pid`;

/** Reads what {@link OWNER_FORMAT} prints. */
export const parseOwners = (text: string): { readonly id: string; readonly owner: Owner }[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [id = '', host = '', boot = '', space = '', pid = '', started = ''] = line.split('\t');
      return { id, owner: { host, boot, space, pid, started } };
    });

/**
 * Whether the process that started a container is gone for certain. A process on another machine, or in another container that shares the daemon,
 * cannot be seen from here and counts as running.
 */
export const isGone = (owner: Owner, here: Owner, startedAt: (pid: string) => string): boolean => {
  if (owner.host !== here.host) return false;
  if (owner.boot !== here.boot) return true;
  return owner.space === here.space && startedAt(owner.pid) !== owner.started;
};
