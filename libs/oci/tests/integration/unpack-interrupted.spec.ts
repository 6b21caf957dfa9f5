import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';
import { beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { errorOf, layerOf, platformImage, sourceOf, temporaryFolder, type ImageLayer, type PlatformImage } from '@pinlane/testing';
import { pack } from 'tar-stream';
import { unpackImage, type ContentSource, type UnpackOptions } from '../../src/index.ts';

// Thousands of files take many times as long on a busy machine.
jest.setTimeout(60_000);

/** Few enough that a source has many of them, in bytes. */
const CHUNK = 64 * 1024;
const FILES = 2000;

const tarOf = async (fill: (archive: ReturnType<typeof pack>) => void): Promise<Buffer> => {
  const archive = pack();
  fill(archive);
  archive.finalize();
  return buffer(archive);
};

const files = (count: number, content = 'x') =>
  tarOf((archive) => {
    for (let at = 0; at < count; at += 1) archive.entry({ name: `lib/${at % 50}/file-${at}` }, content);
  });

/** What every source of an image goes through here: `before` may hold a chunk back, or break the work off, and knows how many came before it. */
const watched = (image: PlatformImage, before: (chunk: number) => Promise<void> | void): { readonly source: ContentSource; readonly given: () => number } => {
  const inner = sourceOf({ platforms: [image] });
  let given = 0;
  const source: ContentSource = {
    readManifest: inner.readManifest,
    openBlob: async function* (blob) {
      for await (const whole of inner.openBlob(blob))
        for (let at = 0; at < whole.length; at += CHUNK) {
          await before(given);
          given += 1;
          yield whole.subarray(at, at + CHUNK);
        }
    },
  };
  return { source, given: () => given };
};

const never = (): Promise<void> => new Promise(() => undefined);

describe('unpacking that is interrupted', () => {
  let image: PlatformImage;
  let base: ImageLayer;
  let folder = '';
  beforeAll(async () => {
    image = platformImage('amd64', [layerOf(await files(FILES)), layerOf(await files(FILES, 'y'), { gzip: true })]);
    // Large enough to be kept by itself.
    const noise = await tarOf((archive) => void archive.entry({ name: 'noise' }, randomBytes(5 * 2 ** 20)));
    base = layerOf(Buffer.concat([(await files(FILES)).subarray(0, -1024), noise]));
  });
  beforeEach(() => {
    folder = temporaryFolder('interrupted');
  });

  const unpack = (source: ContentSource, of: PlatformImage, more: Partial<UnpackOptions>) =>
    unpackImage(source, of.descriptor.digest, { platform: 'linux/amd64', cacheDir: join(folder, 'cache'), ...more });
  const left = (): string[] => (existsSync(join(folder, 'cache')) ? readdirSync(join(folder, 'cache')) : []);

  it.each([0, 1, 2, 20])('ends and leaves nothing when the signal comes before chunk %d', async (moment) => {
    const controller = new AbortController();
    const { source, given } = watched(image, (chunk) => void (chunk >= moment && controller.abort()));
    expect((await errorOf(() => unpack(source, image, { signal: controller.signal }))).code).toBe('ERR_CANCELLED');
    expect(left().filter((name) => name.startsWith('.tmp-'))).toEqual([]);
    // Two layers are read at once, each one chunk ahead.
    expect(given()).toBeLessThanOrEqual(moment + 4);
  });

  it.each([0, 1, 15])('does not wait for chunk %d that never comes', async (moment) => {
    const controller = new AbortController();
    const { source } = watched(image, (chunk) => {
      if (chunk < moment) return;
      setImmediate(() => controller.abort());
      return never();
    });
    expect((await errorOf(() => unpack(source, image, { signal: controller.signal }))).code).toBe('ERR_CANCELLED');
    expect(left().filter((name) => name.startsWith('.tmp-'))).toEqual([]);
  });

  it.each(['before', 'manifest'])('does not wait for a manifest that never comes (%s)', async (when) => {
    const controller = new AbortController();
    if (when === 'before') controller.abort();
    else setImmediate(() => controller.abort());
    const source: ContentSource = { ...sourceOf({ platforms: [image] }), readManifest: never as never };
    expect((await errorOf(() => unpack(source, image, { signal: controller.signal }))).code).toBe('ERR_CANCELLED');
    expect(left()).toEqual([]);
  });

  it.each([2, 5, 10])('ends in the middle of the entries of what came at once, and of the base that is copied (after %d turns)', async (turns) => {
    const app = (name: string) => tarOf((archive) => void archive.entry({ name }, 'z'));
    const one = platformImage('amd64', [base, layerOf(await app('one'))]);
    const interruptedAfter = async (of: PlatformImage) => {
      const controller = new AbortController();
      // What the source has comes at once, so that nothing but the unpacking itself gives others a turn.
      const work = errorOf(() => unpack(sourceOf({ platforms: [of] }), of, { signal: controller.signal }));
      for (let at = 0; at < turns; at += 1) await turn();
      controller.abort();
      return (await work).code;
    };
    expect([await interruptedAfter(one), left()]).toEqual(['ERR_CANCELLED', []]);
    await unpack(sourceOf({ platforms: [one] }), one, {});
    const kept = left().sort();
    const two = platformImage('amd64', [base, layerOf(await app('two'))]);
    expect([await interruptedAfter(two), left().sort()]).toEqual(['ERR_CANCELLED', kept]);
    expect(kept).toHaveLength(2);
  });

  it.each([10, 34, 60])('leaves nothing of folders that are deep, closed, or were taken away again (before chunk %d)', async (moment) => {
    const deep = Array.from({ length: 250 }, () => 'deep').join('/');
    const lower = await tarOf((archive) => {
      for (let at = 0; at < 2000; at += 1) archive.entry({ name: `gone/${at % 20}/file-${at}` }, 'x');
      archive.entry({ name: `${deep}/closed`, type: 'directory', mode: 0 });
    });
    const upper = await tarOf((archive) => {
      archive.entry({ name: '.wh.gone' }, '');
      archive.entry({ name: 'deep' }, 'a file now');
      for (let at = 0; at < 2000; at += 1) archive.entry({ name: `more/${at}` }, 'y'.repeat(200));
    });
    const of = platformImage('amd64', [layerOf(lower), layerOf(upper)]);
    const controller = new AbortController();
    const { source, given } = watched(of, (chunk) => void (chunk >= moment && controller.abort()));
    expect((await errorOf(() => unpack(source, of, { signal: controller.signal }))).message).toMatch(/^ERR_CANCELLED/);
    expect([left(), given() >= moment]).toEqual([[], true]);
    const { rootfs } = await unpack(sourceOf({ platforms: [of] }), of, {});
    expect(readdirSync(rootfs).sort()).toEqual(['artifacts', 'deep', 'dev', 'more', 'proc', 'tmp']);
    expect(left()).toHaveLength(1);
  });

  it('lets the caller remove what it made, and nobody else', async () => {
    const removed: string[] = [];
    const controller = new AbortController();
    const { source } = watched(image, (chunk) => void (chunk >= 5 && controller.abort()));
    await errorOf(() => unpack(source, image, { signal: controller.signal, remove: async (path) => void removed.push(path) }));
    expect(removed).toEqual(left().map((name) => join(folder, 'cache', name)));
    expect(removed).toHaveLength(1);
  });
});
