import type { FileHandle } from 'node:fs/promises';
import { chunksOf } from '../content/index.ts';
import { checkedChunks, openBlobFile } from '../store/blobs.ts';
import { markDeleted } from '../store/deletions.ts';
import type { AnyDigest } from '../store/digests.ts';
import { partOf } from './range.ts';
import { refuse } from './refusal.ts';
import { afterDamage, blobUnknown, bringHere, claimIn, sizeElsewhere, sizeIn, type Registry } from './registry.ts';
import type { Reply } from './reply.ts';

const headersOf = (digest: AnyDigest) => ({
  'content-type': 'application/octet-stream',
  'docker-content-digest': digest,
  etag: `"${digest}"`,
  'accept-ranges': 'bytes',
});

/** All bytes of a blob. The last chunk is held back until the whole is checked, so that a damaged blob is never delivered to its end. */
async function* wholeBlob(registry: Registry, file: FileHandle, digest: AnyDigest): AsyncGenerator<Uint8Array, void, void> {
  let held: Uint8Array | undefined;
  try {
    for await (const chunk of checkedChunks(file, digest)) {
      if (held) yield held;
      held = chunk;
    }
  } catch (error) {
    await afterDamage(registry, digest, error);
  }
  if (held) yield held;
}

/** HEAD on a blob. @throws Refusal 404 */
export const headBlob = async (registry: Registry, repository: string, digest: AnyDigest): Promise<Reply> => {
  // The client will leave the blob out of its push, so it must not be collected now.
  const size = (await claimIn(registry, repository, digest)) ?? (await sizeElsewhere(registry, repository, digest)) ?? blobUnknown(digest);
  return { status: 200, headers: { ...headersOf(digest), 'content-length': String(size) } };
};

/** GET on a blob, or on a part of it. One that is elsewhere is fetched first. A whole blob is hashed on its way, and cut off before its end if it is damaged. @throws Refusal 404, 416, 503 */
export const getBlob = async (registry: Registry, repository: string, digest: AnyDigest, range: string | undefined): Promise<Reply> => {
  if ((await sizeIn(registry, repository, digest)) === undefined) await bringHere(registry, repository, digest);
  if ((await sizeIn(registry, repository, digest)) === undefined) blobUnknown(digest);
  const file = (await openBlobFile(registry.paths, digest)) ?? blobUnknown(digest);
  const done = () => file.close();
  try {
    const { size } = await file.stat();
    const part = partOf(range, size);
    if (part === null) return refuse(416, 'SIZE_INVALID', `the blob has ${size} bytes`, { 'content-range': `bytes */${size}` });
    if (part === undefined)
      return { status: 200, headers: { ...headersOf(digest), 'content-length': String(size) }, body: wholeBlob(registry, file, digest), done };
    const length = part.last - part.first + 1;
    return {
      status: 206,
      headers: { ...headersOf(digest), 'content-length': String(length), 'content-range': `bytes ${part.first}-${part.last}/${size}` },
      body: chunksOf(file, { start: part.first, length }),
      done,
    };
  } catch (error) {
    await done();
    throw error;
  }
};

/** DELETE on a blob. @throws Refusal 404 */
export const deleteBlob = async (registry: Registry, repository: string, digest: AnyDigest): Promise<Reply> => {
  if ((await sizeIn(registry, repository, digest)) === undefined) blobUnknown(digest);
  await markDeleted(registry.paths, repository, digest);
  return { status: 202, headers: { 'content-length': '0' } };
};
