import { join } from 'node:path';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { digestHex, fail, isPinlaneError } from '@pinlane/contracts';
import { verified, type BlobSource, type Descriptor } from '../content/index.ts';
import { fileChunks } from '../context/files.ts';
import { aboutFile } from '../files/index.ts';
import { readLayer, tarBytes, UNPACK_LIMITS, whileIntact, type Layer, type TarEntry } from '../layer/index.ts';
import { archiveEntries, archivePacking, type OpenFile } from './archives.ts';
import type { FileNode, FileTree } from './tree.ts';

/** What packed files are taken out of. */
export interface Sources {
  readonly layers: BlobSource;
  readonly context: FileTree;
  /** Gives the bytes of a file of the context. */
  readonly open: OpenFile;
}

/** Whether a file has to be unpacked before its bytes are at hand. */
export const isPackedFile = ({ source }: FileNode): boolean => source.kind === 'layer' || source.kind === 'archive';

/** The files that are wanted of a layer, by the numbers of their entries. */
interface Wanted {
  readonly layer: Layer;
  readonly files: Map<number, FileNode>;
}

const byLayer = (files: readonly FileNode[]): Wanted[] => {
  const layers = new Map<string, Wanted>();
  for (const file of files) {
    if (file.source.kind !== 'layer') continue;
    const { layer, entry } = file.source;
    const wanted = layers.get(layer.diffId) ?? { layer, files: new Map() };
    layers.set(layer.diffId, wanted);
    wanted.files.set(entry, file);
  }
  return [...layers.values()];
};

/** The files that are wanted of each archive, by the numbers of their entries. */
const byArchive = (files: readonly FileNode[]): Map<string, Map<number, FileNode>> => {
  const archives = new Map<string, Map<number, FileNode>>();
  for (const file of files) {
    if (file.source.kind !== 'archive') continue;
    const { path, entry } = file.source;
    archives.set(path, (archives.get(path) ?? new Map<number, FileNode>()).set(entry, file));
  }
  return archives;
};

const unpackedPath = (folder: string, { sha256 }: FileNode): string => join(folder, digestHex(sha256));

/** Unpacks one file. @throws ERR_DIGEST_MISMATCH if it is not the one that was listed: lists may be claims of others */
const unpackEntry = async (entry: TarEntry, file: FileNode, folder: string): Promise<void> => {
  const path = unpackedPath(folder, file);
  await aboutFile(path, () => pipeline(Readable.from(verified(entry.content, { digest: file.sha256, size: file.size })), createWriteStream(path)));
};

const unpackArchive = async (path: string, wanted: ReadonlyMap<number, FileNode>, { context, open }: Sources, folder: string): Promise<void> => {
  const archive = context.get(path) as FileNode;
  const changed = `${JSON.stringify(path)} changed while the image was built from it`;
  const packing = (await archivePacking(archive, path, open)) ?? fail('ERR_CONTEXT_INVALID', changed);
  let number = -1;
  for await (const entry of archiveEntries(packing, archive, path, open)) {
    const file = wanted.get((number += 1));
    if (file) await unpackEntry(entry, file, folder);
  }
};

/** @throws ERR_DIGEST_MISMATCH if a layer does not hold what was listed of it, and any other error as it is */
const notAsListed = ({ digest }: Descriptor, cause?: unknown): never => {
  if (cause !== undefined && !isPinlaneError(cause, 'ERR_DIGEST_MISMATCH')) throw cause;
  return fail('ERR_DIGEST_MISMATCH', `layer ${digest} does not hold the files that a list of it names`, {
    fix: 'Build with --noCache, which believes no list of files.',
    cause,
  });
};

const unpackLayer = ({ layer: { descriptor, diffId }, files }: Wanted, layers: BlobSource, folder: string): Promise<void> =>
  whileIntact(layers, descriptor, async () => {
    const left = new Set(files.keys());
    for await (const { entry } of readLayer(descriptor.digest, tarBytes(layers, descriptor, diffId, UNPACK_LIMITS), UNPACK_LIMITS.entries)) {
      const file = files.get(entry.number);
      if (file) await unpackEntry(entry, file, folder).catch((error: unknown) => notAsListed(descriptor, error));
      if (file) left.delete(entry.number);
    }
    if (left.size > 0) notAsListed(descriptor);
  });

/**
 * Takes files out of layers and archives into a folder, named by their hashes, in one pass over each and with memory for a few chunks. A layer
 * that is built wants them in another order than they come in.
 */
export const unpackFiles = async (sources: Sources, files: readonly FileNode[], folder: string): Promise<OpenFile> => {
  for (const [path, wanted] of byArchive(files)) await unpackArchive(path, wanted, sources, folder);
  for (const wanted of byLayer(files)) await unpackLayer(wanted, sources.layers, folder);
  return (file, use) => fileChunks(unpackedPath(folder, file), use);
};
