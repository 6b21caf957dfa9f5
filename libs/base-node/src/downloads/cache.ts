import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { withRunFolder } from '@pinlane/adapters';
import { digestHex, fail, type Digest } from '@pinlane/contracts';
import { makeFolder } from '@pinlane/oci';
import { hashFile } from '../hash-file.ts';

/** What a file must be, to be the one that is meant. */
export interface Expected {
  readonly name: string;
  readonly version: string;
  readonly size: number;
  readonly digest: Digest;
}

/** Downloads by content. A file is in it under its hash or not at all, so several processes may use it at once. */
export interface DownloadCache {
  /** The file with this content, its bytes checked; undefined if it is not here. One that was altered is removed. */
  find(expected: Pick<Expected, 'size' | 'digest'>, signal: AbortSignal): Promise<string | undefined>;
  /** Takes in a file that was downloaded; undefined if there is no such file. @throws ERR_DIGEST_MISMATCH */
  adopt(file: string, expected: Expected, signal: AbortSignal): Promise<string | undefined>;
  /** Makes a folder beside the downloads for as long as `use` takes. */
  withWorkFolder<T>(use: (folder: string) => Promise<T>, signal?: AbortSignal): Promise<T>;
}

const digestOf = async (file: string, signal: AbortSignal): Promise<string> => `sha256:${(await hashFile(file, 'sha256', signal)).toString('hex')}`;

const sizeOf = async (file: string): Promise<number | null> =>
  stat(file).then(
    (found) => (found.isFile() ? found.size : null),
    () => null,
  );

/** Moves a file to where it appears whole or not at all. */
const moveTo = async (place: string, file: string): Promise<void> => {
  await makeFolder(dirname(place));
  await rename(file, place).catch(async () => {
    // Another file system: only a copy beside the place can be renamed to it.
    const beside = `${place}.${randomUUID()}`;
    await copyFile(file, beside, constants.COPYFILE_EXCL);
    await rename(beside, place);
  });
};

/** The downloads that are kept in a folder. */
export const openDownloadCache = (folder: string): DownloadCache => {
  const placeOf = (digest: Digest): string => join(folder, 'sha256', digestHex(digest));
  return {
    async find({ size, digest }, signal) {
      const file = placeOf(digest);
      const actual = await sizeOf(file);
      if (actual === null) return undefined;
      if (actual === size && (await digestOf(file, signal)) === digest) return file;
      await rm(file, { force: true });
      return undefined;
    },

    async adopt(file, expected, signal) {
      const size = await sizeOf(file);
      if (size === null) return undefined;
      const what = `${expected.name} ${expected.version}`;
      if (size !== expected.size) fail('ERR_DIGEST_MISMATCH', `${what} has ${size} bytes where the lock says ${expected.size}`);
      const digest = await digestOf(file, signal);
      if (digest !== expected.digest) fail('ERR_DIGEST_MISMATCH', `${what} has digest ${digest} where the lock says ${expected.digest}`);
      const place = placeOf(expected.digest);
      await moveTo(place, file);
      return place;
    },

    withWorkFolder: (use, signal) => withRunFolder(join(folder, 'work'), 'run-', use, signal),
  };
};
