import type { Architecture } from '@pinlane/contracts';
import { HAS_LIB64 } from '../architectures.ts';
import { maker, type TreeEntry } from './entry.ts';
import { ALIASES } from './paths.ts';

const { file, directory, symlink } = maker('the skeleton of the base');
const NODE = { uid: 1000, gid: 1000 };

/** Folders of the filesystem hierarchy standard, mount points, and the two that processors use. */
const FOLDERS: readonly TreeEntry[] = [
  ...['dev', 'etc', 'home', 'media', 'mnt', 'opt', 'proc', 'run', 'srv', 'sys', 'usr', 'usr/local', 'var'].map((path) => directory(path)),
  ...['bin', 'sbin', 'lib', 'share'].flatMap((name) => [directory(`usr/${name}`), directory(`usr/local/${name}`)]),
  ...['var/cache', 'var/lib', 'var/log', 'var/spool'].map((path) => directory(path)),
  ...['tmp', 'var/tmp', 'run/lock'].map((path) => directory(path, 0o1777)),
  directory('app'),
  directory('artifacts', 0o755, NODE),
];

const HOSTS = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback', 'ff02::1\tip6-allnodes', 'ff02::2\tip6-allrouters'];
const SERVICES = {
  passwd: 'files',
  group: 'files',
  shadow: 'files',
  hosts: 'files dns',
  networks: 'files',
  protocols: 'files',
  services: 'files',
};

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');

/**
 * What maintainer scripts, the installer and the boot of a machine would have made: folders, links of the merged /usr, name services,
 * time zone. Whatever a package brings itself takes precedence.
 */
export const systemEntries = (architecture: Architecture): TreeEntry[] => [
  ...FOLDERS,
  ...Object.entries(ALIASES)
    .filter(([name]) => name !== 'lib64' || HAS_LIB64[architecture])
    .map(([name, target]) => symlink(name, name.startsWith('var/') ? `/${target}` : target)),
  file('etc/nsswitch.conf', lines(Object.entries(SERVICES).map(([name, sources]) => `${name}: ${sources}`))),
  // Container runtimes mount their own over these, which a read-only root allows only if something is there.
  file('etc/hosts', lines(HOSTS)),
  file('etc/hostname', 'localhost\n'),
  file('etc/resolv.conf', ''),
  file('etc/timezone', 'Etc/UTC\n'),
  symlink('etc/localtime', '/usr/share/zoneinfo/Etc/UTC'),
  symlink('etc/os-release', '../usr/lib/os-release'),
  symlink('etc/mtab', '/proc/self/mounts'),
  symlink('usr/bin/sh', 'dash'),
];
