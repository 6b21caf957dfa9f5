import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { ELF_MACHINES } from '@pinlane/adapters';
import { ARCHITECTURES, fail, type Architecture } from '@pinlane/contracts';
import { readAll, readTar, whileWanted } from '@pinlane/oci';
import { requireLocked, type LockedNode } from '../lock/lock.ts';
import { maker, type TreeEntry } from '../tree/entry.ts';
import type { Kept, Spool } from '../tree/spool.ts';

const PRODUCER = 'Node';
const { directory, symlink } = maker(PRODUCER);
const CHUNK = 256 * 1024;

const MANIFEST = 'package/package.json';
const LARGEST_MANIFEST = 1024 * 1024;
const PROGRAM = 'package/bin/node';
const LICENCE = 'package/LICENSE';
const FOLDERS = ['usr', 'usr/local', 'usr/local/bin', 'usr/local/share', 'usr/local/share/doc', 'usr/local/share/doc/node'];

/** The architecture that an ELF file is for, from its first bytes; null if it is no ELF file, or for a machine that we don't build for. */
export const elfArchitecture = (head: Uint8Array): Architecture | null => {
  if (head.length < 20 || head[0] !== 0x7f || head[1] !== 0x45 || head[2] !== 0x4c || head[3] !== 0x46) return null;
  const machine = Buffer.from(head.buffer, head.byteOffset, head.byteLength).readUInt16LE(18);
  return ARCHITECTURES.find((architecture) => ELF_MACHINES[architecture] === machine) ?? null;
};

const firstBytes = async ({ open }: Kept): Promise<Uint8Array> => {
  for await (const chunk of open()) return chunk;
  return new Uint8Array();
};

const extractFiles = async (tarball: string, wanted: readonly string[], spool: Spool, signal: AbortSignal): Promise<Map<string, Kept>> => {
  const found = new Map<string, Kept>();
  const source = createReadStream(tarball, { highWaterMark: CHUNK });
  const tar = createGunzip({ chunkSize: CHUNK });
  source.on('error', (error) => tar.destroy(error)).pipe(tar);
  try {
    for await (const { name, type, content } of readTar(whileWanted(tar, signal)))
      if (type === 'file' && wanted.includes(name)) found.set(name, await spool.keep(content));
  } finally {
    source.destroy();
  }
  return found;
};

const identity = async ({ open }: Kept, what: string): Promise<string> => {
  const text = Buffer.from(await readAll(open(), LARGEST_MANIFEST, `${what}'s package.json`)).toString('utf8');
  try {
    const { name, version } = JSON.parse(text) as { name?: unknown; version?: unknown };
    return `${String(name)} ${String(version)}`;
  } catch {
    return fail('ERR_DIGEST_MISMATCH', `${what} has no package.json that can be read`);
  }
};

/**
 * The entries of the Node layer: the program, the link that Debian's scripts expect, the licence. Their bytes go into the spool.
 * @throws ERR_CANCELLED; ERR_DIGEST_MISMATCH if the tarball does not hold what it should, ERR_BASE_LOCK_INVALID if it is of another version than the lock says
 */
export const nodeEntries = async (tarball: string, locked: LockedNode, architecture: Architecture, spool: Spool, signal: AbortSignal): Promise<TreeEntry[]> => {
  const found = await extractFiles(tarball, [PROGRAM, LICENCE, MANIFEST], spool, signal);
  const take = (name: string): Kept => found.get(name) ?? fail('ERR_DIGEST_MISMATCH', `the Node package for ${architecture} holds no ${name}`);
  const [program, licence] = [take(PROGRAM), take(LICENCE)];
  const actual = elfArchitecture(await firstBytes(program));
  if (actual !== architecture) fail('ERR_DIGEST_MISMATCH', `the Node package for ${architecture} holds a program for ${actual ?? 'no machine that is known'}`);
  requireLocked(`${locked.name} ${locked.version}`, await identity(take(MANIFEST), `the Node package for ${architecture}`));
  const common = { type: 'file', uid: 0, gid: 0, producer: PRODUCER } as const;
  return [
    ...FOLDERS.map((path) => directory(path)),
    { ...common, path: 'usr/local/bin/node', mode: 0o755, ...program },
    symlink('usr/local/bin/nodejs', 'node'),
    { ...common, path: 'usr/local/share/doc/node/LICENSE', mode: 0o644, ...licence },
  ];
};
