import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { digestHex, fail, type Digest } from '@pinlane/contracts';

const ABANDONED_MS = 60 * 60 * 1000;

/** What a file must be, to be the one that is meant. */
export interface Expected {
  readonly name: string;
  readonly version: string;
  readonly size: number;
  readonly digest: Digest;
}

const digestOf = async (file: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash);
  return `sha256:${hash.digest('hex')}`;
};

const sizeOf = async (file: string): Promise<number | null> =>
  stat(file).then(
    (found) => (found.isFile() ? found.size : null),
    () => null,
  );

/** Downloads by content. A file is in it under its hash or not at all, so several processes may use it at once. */
export class DownloadCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  #place(digest: Digest): string {
    return join(this.#folder, 'sha256', digestHex(digest));
  }

  /** The file with this content, its bytes checked; undefined: it is not here. One that was altered is removed. */
  async find({ size, digest }: Pick<Expected, 'size' | 'digest'>): Promise<string | undefined> {
    const file = this.#place(digest);
    const actual = await sizeOf(file);
    if (actual === null) return undefined;
    if (actual === size && (await digestOf(file)) === digest) return file;
    await rm(file, { force: true });
    return undefined;
  }

  /** Takes in a file that was downloaded; undefined: there is no such file. @throws ERR_DIGEST_MISMATCH */
  async adopt(file: string, expected: Expected): Promise<string | undefined> {
    const size = await sizeOf(file);
    if (size === null) return undefined;
    const what = `${expected.name} ${expected.version}`;
    if (size !== expected.size) fail('ERR_DIGEST_MISMATCH', `${what} has ${size} bytes where the lock says ${expected.size}`);
    const digest = await digestOf(file);
    if (digest !== expected.digest) fail('ERR_DIGEST_MISMATCH', `${what} has digest ${digest} where the lock says ${expected.digest}`);
    const place = this.#place(expected.digest);
    await mkdir(join(this.#folder, 'sha256'), { recursive: true });
    await rename(file, place).catch(async () => {
      // Another file system: copy beside the place first, because a rename is the only way to appear whole.
      const beside = `${place}.${randomUUID()}`;
      await copyFile(file, beside, constants.COPYFILE_EXCL);
      await rename(beside, place);
    });
    return place;
  }

  /** A new empty folder beside the downloads, removed when `use` is done; those that crashed processes left are removed too. */
  async withWorkFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
    const parent = join(this.#folder, 'work');
    await mkdir(parent, { recursive: true });
    for (const name of await readdir(parent)) {
      const left = await stat(join(parent, name)).catch(() => null);
      if (left !== null && Date.now() - left.mtimeMs > ABANDONED_MS) await rm(join(parent, name), { recursive: true, force: true });
    }
    const folder = await mkdtemp(join(parent, 'run-'));
    try {
      return await use(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}
