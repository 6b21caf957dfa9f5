import { maker, type TreeEntry } from './entry.ts';

const { file, directory } = maker('the accounts of the base');

interface Account {
  readonly name: string;
  readonly id: number;
  readonly group: number;
  readonly home: string;
  readonly shell: string;
}

const NOLOGIN = '/usr/sbin/nologin';

/** Numbers and names are Debian's (base-passwd); `node` is the one that processors run as. */
const ACCOUNTS: readonly Account[] = [
  { name: 'root', id: 0, group: 0, home: '/root', shell: '/bin/sh' },
  { name: 'daemon', id: 1, group: 1, home: '/usr/sbin', shell: NOLOGIN },
  { name: 'node', id: 1000, group: 1000, home: '/home/node', shell: '/bin/sh' },
  { name: 'nobody', id: 65534, group: 65534, home: '/nonexistent', shell: NOLOGIN },
];
const GROUPS: Readonly<Record<string, number>> = { root: 0, daemon: 1, tty: 5, mail: 8, shadow: 42, staff: 50, node: 1000, nogroup: 65534 };

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');

/** What base-passwd and adduser would have made: users, groups, locked passwords and home folders. */
export const accountEntries = (): TreeEntry[] => [
  file('etc/passwd', lines(ACCOUNTS.map(({ name, id, group, home, shell }) => `${name}:x:${id}:${group}:${name}:${home}:${shell}`))),
  file('etc/group', lines(Object.entries(GROUPS).map(([name, id]) => `${name}:x:${id}:`))),
  // `*` locks the password; the day of its last change is left empty, because a date would change the digest.
  file('etc/shadow', lines(ACCOUNTS.map(({ name }) => `${name}:*::0:99999:7:::`)), 0o640, { uid: 0, gid: GROUPS.shadow! }),
  directory('root', 0o700),
  directory('home/node', 0o755, { uid: 1000, gid: 1000 }),
];
