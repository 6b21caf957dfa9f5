import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { architectureOf, fail, type Digest, type Platform } from '@pinlane/contracts';
import { createSha256, decompressed, makeFolder, parseConfig, readDocument, readTar, type Descriptor } from '@pinlane/oci';
import * as z from 'zod';
import { clampImage, type BuiltLayer, type ClampTarget } from './clamp-image.ts';

const archiveSchema = z.tuple([z.object({ Config: z.string(), Layers: z.array(z.string()) })]);
const SMALL = 4 * 1024 * 1024;

/** Writes the files of an archive into a folder, each by its name in the archive: a layer may come before the list that says what it is. */
const spool = async (archive: string, folder: string): Promise<Map<string, string>> => {
  const files = new Map<string, string>();
  const links = new Map<string, string>();
  for await (const { name, type, content, linkName } of readTar(createReadStream(archive))) {
    const clean = name.replace(/^\.\//, '');
    if (type === 'symlink') links.set(clean, linkName.replace(/^(?:\.\.\/)+/, ''));
    if (type !== 'file') continue;
    const path = join(folder, String(files.size));
    const file = await open(path, 'wx');
    try {
      for await (const chunk of content) await file.write(chunk);
    } finally {
      await file.close();
    }
    files.set(clean, path);
  }
  // Before version 25 Docker wrote a layer that came twice as a link.
  for (const [name, target] of links) if (files.has(target)) files.set(name, files.get(target)!);
  return files;
};

const isGzip = async (path: string): Promise<boolean> => {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
};

const readSmall = async (path: string | undefined, what: string): Promise<Buffer> => {
  if (path === undefined) return fail('ERR_MANIFEST_INVALID', `docker save wrote no ${what}`);
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of createReadStream(path)) {
    size += (part as Buffer).length;
    if (size > SMALL) fail('ERR_MANIFEST_INVALID', `docker save wrote a ${what} larger than ${SMALL} bytes`);
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts);
};

async function* tarOf(path: string, diffId: Digest): AsyncGenerator<Uint8Array, void, void> {
  const hash = createSha256();
  const gzip = await isGzip(path);
  const packed: AsyncIterable<Uint8Array> = createReadStream(path);
  for await (const chunk of gzip ? decompressed('gzip', packed) : packed) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest() !== diffId) fail('ERR_DIGEST_MISMATCH', `docker save wrote a layer that is not ${diffId}`);
}

/**
 * Takes one platform's image into the store, as an OCI manifest, from what `docker save` wrote: for a Docker that can't write OCI layouts. Layers are checked
 * against the hashes in the config, and packed anew with fixed times, see `clampImage`. `folder` is for files on the way, and is removed.
 * @throws ERR_MANIFEST_INVALID, ERR_PLATFORM_MISSING, ERR_DIGEST_MISMATCH
 */
export const importArchive = async (archive: string, folder: string, target: ClampTarget, platform: Platform): Promise<Descriptor> => {
  await makeFolder(folder);
  try {
    const files = await spool(archive, folder);
    const [{ Config, Layers }] = readDocument('manifest.json of docker save', await readSmall(files.get('manifest.json'), 'manifest.json'), archiveSchema);
    const configBytes = await readSmall(files.get(Config), 'config');
    const config = parseConfig(configBytes);
    if (config.os !== 'linux' || config.architecture !== architectureOf(platform))
      fail('ERR_PLATFORM_MISSING', `Docker built an image for ${config.os}/${config.architecture}, and ${platform} was asked for`);
    if (config.rootfs.diff_ids.length !== Layers.length) fail('ERR_MANIFEST_INVALID', 'docker save wrote other layers than the config lists');
    const layers = Layers.map((name, at): BuiltLayer => {
      const path = files.get(name) ?? fail('ERR_MANIFEST_INVALID', `docker save did not write the layer ${name}`);
      const diffId = config.rootfs.diff_ids[at]!;
      return { diffId, tar: () => tarOf(path, diffId) };
    });
    return { ...(await clampImage({ configBytes, layers }, target)), platform: { architecture: architectureOf(platform), os: 'linux' } };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
