import { join } from 'node:path';
import { fail, type Architecture } from '@pinlane/contracts';
import { makeFolder } from '@pinlane/oci';
import { openApt, type Apt } from '../debian/apt.ts';
import type { Archive } from '../debian/tree.ts';
import type { LockedNode, LockedPackage } from '../lock/lock.ts';
import { fetchIntoCache, findLocked } from '../node/npm.ts';
import type { RunOptions } from '../process.ts';
import type { DownloadCache } from './cache.ts';

/** What downloading needs to know. */
export interface DownloadInput extends RunOptions {
  readonly cache: DownloadCache;
  /** A folder for this run alone. */
  readonly work: string;
  readonly release: string;
  /** See AptOptions. */
  readonly aptSettings: readonly string[];
}

/** A locked package that can no longer be downloaded, and the versions that can. */
export interface Gone {
  readonly architecture: Architecture;
  readonly name: string;
  readonly version: string;
  readonly available: readonly string[];
}

/** Everything that was asked for, or what of it is gone. */
export type Obtained<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly gone: readonly Gone[] };

/** The name that apt gives to a downloaded archive: the colon of an epoch is escaped. */
export const archiveName = ({ name, version, architecture }: LockedPackage): string => `${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`;

/** An apt whose lists hold the release. @throws ERR_BASE_UNAVAILABLE */
export const openRelease = async (input: DownloadInput, architecture: Architecture): Promise<Apt> => {
  const { release, aptSettings: settings, cwd, env, signal } = input;
  const apt = await openApt({ architecture, release, settings, cwd, env, signal, stateDir: join(input.work, `apt-${architecture}`) });
  const { found, complaint } = await apt.update();
  if (!found) {
    const why = complaint === '' ? '' : `; apt says: ${complaint}`;
    fail('ERR_BASE_UNAVAILABLE', `no source that this machine's apt reads offers Debian ${release} for ${architecture}${why}`);
  }
  return apt;
};

/** Why packages that apt was asked for did not arrive: gone, altered, or the network. */
const explain = async (apt: Apt, lacking: readonly LockedPackage[], architecture: Architecture, complaint: string): Promise<Gone[]> => {
  const known = await apt.known(lacking.map(({ name }) => name));
  const gone = lacking.filter(({ name, version }) => !known.some((one) => one.name === name && one.version === version));
  for (const { name, version, digest } of lacking) {
    const offers = known.filter((one) => one.name === name && one.version === version);
    if (offers.length > 0 && !offers.some((one) => one.digest === digest))
      fail('ERR_DIGEST_MISMATCH', `the archive offers ${name} ${version} for ${architecture} with ${offers[0]?.digest} where the lock says ${digest}`);
  }
  if (gone.length === 0) fail('ERR_BASE_UNAVAILABLE', `apt cannot download ${lacking.map(({ name }) => name).join(', ')} for ${architecture}: ${complaint}`);
  return gone.map(({ name, version }) => ({
    architecture,
    name,
    version,
    available: known.filter((one) => one.name === name).map((one) => one.version),
  }));
};

/** Brings the locked packages of an architecture; what the cache has is not asked for again. @throws ERR_BASE_UNAVAILABLE, ERR_DIGEST_MISMATCH */
export const obtainPackages = async (packages: readonly LockedPackage[], architecture: Architecture, input: DownloadInput): Promise<Obtained<Archive[]>> => {
  const { cache } = input;
  const files = new Map<string, string>();
  for (const one of packages) {
    const file = await cache.find(one, input.signal);
    if (file !== undefined) files.set(one.name, file);
  }
  const wanted = packages.filter(({ name }) => !files.has(name));
  if (wanted.length > 0) {
    const apt = await openRelease(input, architecture);
    const folder = join(input.work, `debs-${architecture}`);
    await makeFolder(folder);
    const bring = async (some: readonly LockedPackage[]) => {
      const { stderr } = await apt.download(some, folder);
      for (const one of some) {
        const file = await cache.adopt(join(folder, archiveName(one)), one, input.signal);
        if (file !== undefined) files.set(one.name, file);
      }
      return stderr;
    };
    let complaint = await bring(wanted);
    const lacking = () => wanted.filter(({ name }) => !files.has(name));
    if (lacking().length > 0) {
      // apt downloads nothing at all if it does not know one of the versions.
      const gone = await explain(apt, lacking(), architecture, complaint);
      const others = lacking().filter(({ name }) => !gone.some((one) => one.name === name));
      if (others.length > 0) complaint = await bring(others);
      return { ok: false, gone };
    }
  }
  return { ok: true, value: packages.map((one) => ({ package: one, file: files.get(one.name)! })) };
};

/** Brings the locked Node tarball of an architecture. @throws ERR_BASE_UNAVAILABLE, ERR_DIGEST_MISMATCH */
export const obtainNode = async (node: LockedNode, architecture: Architecture, input: DownloadInput): Promise<Obtained<string>> => {
  const cached = await input.cache.find(node, input.signal);
  if (cached !== undefined) return { ok: true, value: cached };
  const spec = `${node.name}@${node.version}`;
  const fetched = await fetchIntoCache(spec, join(input.work, `npm-${architecture}`), input);
  if (!fetched.ok) {
    if (!fetched.gone) fail('ERR_BASE_UNAVAILABLE', `npm cannot bring ${spec}: ${fetched.complaint}`);
    return { ok: false, gone: [{ architecture, name: node.name, version: node.version, available: [] }] };
  }
  const found = await findLocked(fetched.files, node, input.signal);
  if (found === undefined) return fail('ERR_DIGEST_MISMATCH', `nothing that npm brought for ${spec} has the size and digest of the lock, ${node.digest}`);
  return { ok: true, value: (await input.cache.adopt(found, node, input.signal))! };
};
