import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ARCHITECTURES, fail, parseDigest, type Architecture, type Digest } from '@pinlane/contracts';
import { makeFolder } from '@pinlane/oci';
import { hashFile } from '../hash-file.ts';
import { nodePackageName, type LockedNode } from '../lock/lock.ts';
import { run, type RunOptions } from '../process.ts';
import { together } from '../together.ts';

/** A tarball that the npm client downloaded. */
export interface Tarball {
  readonly file: string;
  readonly size: number;
  readonly digest: Digest;
}

const numbers = (version: string): number[] => version.split('.').map(Number);

/** Compares versions of the form 1.2.3, older first. */
export const compareVersions = (a: string, b: string): number => {
  const [left, right] = [numbers(a), numbers(b)];
  const index = left.findIndex((part, at) => part !== right[at]);
  return index === -1 ? 0 : (left[index] ?? 0) - (right[index] ?? 0);
};

/** The newest version that is in every list. */
export const newestCommon = (lists: readonly (readonly string[])[]): string | undefined => {
  const [first = [], ...others] = lists;
  return first
    .filter((version) => /^\d+\.\d+\.\d+$/.test(version) && others.every((list) => list.includes(version)))
    .sort(compareVersions)
    .at(-1);
};

const parseVersions = (stdout: string): string[] => {
  try {
    const value: unknown = JSON.parse(stdout);
    return [value].flat().filter((version): version is string => typeof version === 'string');
  } catch {
    return [];
  }
};

const FIX = "Name another release of Node in base.yaml, or mend the way to npm's registry.";

/** What npm complained about: the first of its lines that is a sentence, not a code. */
const complaintOf = (stderr: string): string => {
  const lines = stderr.split('\n').map((line) => line.replace(/^npm (?:error|ERR!) (?:\d{3} )?/, '').trim());
  return lines.find((line) => line.split(' ').length > 3) ?? stderr;
};

/** The newest Node of a line such as `24` that npm has for every platform. @throws ERR_BASE_UNAVAILABLE */
export const resolveNode = async (line: string, options: RunOptions): Promise<string> => {
  const lists = await together(
    options.signal,
    ARCHITECTURES.map((architecture) => async (signal: AbortSignal) => {
      const spec = `${nodePackageName(architecture)}@${line}`;
      const { stdout, stderr } = await run('npm', ['view', spec, 'version', '--json'], { ...options, signal });
      const versions = parseVersions(stdout);
      return versions.length > 0 ? versions : fail('ERR_BASE_UNAVAILABLE', `npm has no ${spec}: ${complaintOf(stderr)}`, { fix: FIX });
    }),
  );
  return newestCommon(lists) ?? fail('ERR_BASE_UNAVAILABLE', `npm has no Node ${line} that is there for ${ARCHITECTURES.join(' and ')}`, { fix: FIX });
};

const filesBelow = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));

/** What `npm cache add` answered. */
export type Fetched = { readonly ok: true; readonly files: readonly string[] } | { readonly ok: false; readonly gone: boolean; readonly complaint: string };

/**
 * Lets npm download a package into a cache of our own, verified as ever. `npm pack` would hold the whole tarball in memory; this streams. The caller finds the
 * tarball among the files by its content, whatever npm names it.
 */
export const fetchIntoCache = async (spec: string, folder: string, options: RunOptions): Promise<Fetched> => {
  await makeFolder(folder);
  const { ok, stderr } = await run('npm', ['cache', 'add', spec, '--cache', folder, '--no-audit', '--no-fund', '--no-update-notifier'], options);
  return ok ? { ok, files: await filesBelow(folder) } : { ok, gone: /\bE404\b|\bETARGET\b|\bENOVERSIONS\b/.test(stderr), complaint: complaintOf(stderr) };
};

/** The file that is a locked tarball, by size and hash; undefined if none is. */
export const findLocked = async (
  files: readonly string[],
  { size, digest }: Pick<LockedNode, 'size' | 'digest'>,
  signal: AbortSignal,
): Promise<string | undefined> => {
  for (const file of files)
    if ((await stat(file)).size === size && `sha256:${(await hashFile(file, 'sha256', signal)).toString('hex')}` === digest) return file;
  return undefined;
};

/** Downloads a Node package that no lock names yet, and checks it against the hash that npm announces. @throws ERR_BASE_UNAVAILABLE, ERR_DIGEST_MISMATCH */
export const identifyNode = async (architecture: Architecture, version: string, folder: string, options: RunOptions): Promise<Tarball> => {
  const spec = `${nodePackageName(architecture)}@${version}`;
  const { stdout, stderr } = await run('npm', ['view', spec, 'dist.integrity', '--json'], options);
  const announced = /"sha512-([A-Za-z0-9+/]{86}==)"/.exec(stdout)?.[1] ?? fail('ERR_BASE_UNAVAILABLE', `npm knows no hash of ${spec}: ${complaintOf(stderr)}`);
  const fetched = await fetchIntoCache(spec, folder, options);
  if (!fetched.ok) return fail('ERR_BASE_UNAVAILABLE', `npm cannot bring ${spec}: ${fetched.complaint}`);
  for (const file of fetched.files) {
    if ((await hashFile(file, 'sha512', options.signal)).toString('base64') !== announced) continue;
    const digest = parseDigest(`sha256:${(await hashFile(file, 'sha256', options.signal)).toString('hex')}`);
    return { file, size: (await stat(file)).size, digest };
  }
  return fail('ERR_DIGEST_MISMATCH', `nothing that npm brought for ${spec} has the hash that it announces`);
};
