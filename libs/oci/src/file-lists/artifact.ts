import { isPinlaneError, shortDigest, type Digest } from '@pinlane/contracts';
import { describe, OCI_EMPTY, OCI_MANIFEST, parseDocument, readAll } from '../content/index.ts';
import type { PlatformImage } from '../image/index.ts';
import { openLayerCache } from '../layer/index.ts';
import type { RegistryRepository } from '../registry/index.ts';
import type { Store } from '../store/index.ts';
import { decodeFileLists, encodeFileLists, type FileLists } from './document.ts';

const ARTIFACT = 'application/vnd.pinlane.file-list.v1';
const LIST = `${ARTIFACT}+gzip`;
/** In bytes, of a list that is read. */
const LARGEST = 16 * 2 ** 20;

const EMPTY = new TextEncoder().encode('{}');

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}

/** The tag of the list of what is in the layers of one platform's image. */
export const fileListTag = (manifest: Digest): string => `files-${shortDigest(manifest)}`;

/**
 * Reads the list of what is in the layers of one platform's image, which lies beside another image in a repository. It is the word of whoever may push there; no
 * content is in it, and what is taken out of a layer is compared with it.
 * @returns undefined if there is none, or it is not in the form of one
 */
export const readFileLists = async (repository: RegistryRepository, manifest: Digest): Promise<FileLists | undefined> => {
  try {
    const document = parseDocument((await repository.readTagged(fileListTag(manifest))).bytes);
    if (document.kind !== 'manifest' || document.manifest.artifactType !== ARTIFACT) return undefined;
    const [list] = document.manifest.layers;
    if (list?.mediaType !== LIST || list.size > LARGEST) return undefined;
    return decodeFileLists(await readAll(repository.openBlob(list), LARGEST, 'a list of files'));
  } catch (error) {
    if (isPinlaneError(error, 'ERR_MANIFEST_UNKNOWN') || isPinlaneError(error, 'ERR_MANIFEST_INVALID') || isPinlaneError(error, 'ERR_BLOB_UNKNOWN'))
      return undefined;
    throw error;
  }
};

/** What is in the layers of an image, if all of them were listed on this machine. */
export const listedHere = async (store: Store, { manifest, config }: PlatformImage): Promise<FileLists | undefined> => {
  const cache = openLayerCache(store);
  const lists = await Promise.all(manifest.layers.map(async (layer, at) => [layer.digest, await cache.known(layer, config.rootfs.diff_ids[at]!)] as const));
  const known = lists.flatMap(([digest, listing]) => (listing === undefined ? [] : [[digest, listing] as const]));
  return known.length === lists.length ? new Map(known) : undefined;
};

/** Puts a list beside an image in a repository, unless one is there under its tag. @returns whether it was put */
export const publishFileLists = async (repository: RegistryRepository, manifest: Digest, lists: FileLists): Promise<boolean> => {
  const tag = fileListTag(manifest);
  const there = await repository.readTagged(tag).catch((error: unknown) => {
    if (isPinlaneError(error, 'ERR_MANIFEST_UNKNOWN')) return undefined;
    throw error;
  });
  if (there !== undefined) return false;
  const list = encodeFileLists(lists);
  const [config, layer] = [describe(OCI_EMPTY, EMPTY), describe(LIST, list)];
  for (const [blob, bytes] of [
    [config, EMPTY],
    [layer, list],
  ] as const)
    if (!(await repository.hasBlob(blob))) await repository.putBlob(blob, () => oneChunk(bytes));
  const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, artifactType: ARTIFACT, config, layers: [layer] }));
  await repository.tag(tag, describe(OCI_MANIFEST, bytes), bytes);
  return true;
};
