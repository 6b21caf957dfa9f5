import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { architectureOf, architectureOfMachine, fail, type Architecture, type Platform } from '@pinlane/contracts';

const BINFMT = '/proc/sys/fs/binfmt_misc';
/** How an ELF header names the machine of an architecture (`e_machine`, System V ABI, "ELF Header"). */
export const ELF_MACHINES: Readonly<Record<Architecture, number>> = { amd64: 0x3e, arm64: 0xb7 };

/** ET_EXEC and ET_DYN: a program may be either. */
const E_TYPES = [2, 3];

/** The first bytes of a program: of 64 bits, little end first, which all our architectures have in common. */
const elfHeader = (architecture: Architecture, type: number): Buffer => {
  const header = Buffer.alloc(20);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(type, 16);
  header.writeUInt16LE(ELF_MACHINES[architecture], 18);
  return header;
};

/**
 * Whether an entry of binfmt_misc (Linux, admin-guide/binfmt-misc.rst) runs programs of an architecture in a root of their own: it must be
 * enabled and hold its interpreter open (flag F), for the interpreter is not in that root.
 */
export const entryRuns = (entry: string, architecture: Architecture): boolean => {
  const field = (name: string): string => new RegExp(`^${name}:? (.*)$`, 'm').exec(entry)?.[1] ?? '';
  const magic = Buffer.from(field('magic'), 'hex');
  if (!/^enabled$/m.test(entry) || !field('flags').includes('F') || magic.length === 0) return false;
  const given = Buffer.from(field('mask'), 'hex');
  const mask = given.length === magic.length ? given : Buffer.alloc(magic.length, 0xff);
  const offset = Number(field('offset') || 0);
  return E_TYPES.some((type) => {
    const header = elfHeader(architecture, type);
    return magic.every((byte, at) => ((header[offset + at] ?? 0) & (mask[at] as number)) === (byte & (mask[at] as number)));
  });
};

const entries = (): string[] => {
  try {
    return readdirSync(BINFMT).flatMap((name) => (name === 'register' || name === 'status' ? [] : [readFileSync(join(BINFMT, name), 'utf8')]));
  } catch {
    return [];
  }
};

const ownArchitecture = (): Architecture => architectureOfMachine(process.arch);

/** Whether an image of a platform is of another architecture than this machine. @throws ERR_PLATFORM_INVALID if this machine is of none that is known */
export const isEmulated = (platform: Platform): boolean => architectureOf(platform) !== ownArchitecture();

/** Why this machine can't run programs of a platform, natively or by an emulator; null if it can. @throws ERR_PLATFORM_INVALID */
export const whyUnrunnable = (platform: Platform): string | null =>
  !isEmulated(platform) || entries().some((entry) => entryRuns(entry, architectureOf(platform)))
    ? null
    : `this machine is ${ownArchitecture()}, and no emulator for ${platform} is registered in ${BINFMT} with the flag F`;

/** Makes sure that this machine can run programs of a platform. @throws ERR_PLATFORM_UNRUNNABLE */
export const requireRunnable = (platform: Platform): void => {
  const why = whyUnrunnable(platform);
  if (why !== null) fail('ERR_PLATFORM_UNRUNNABLE', why);
};
