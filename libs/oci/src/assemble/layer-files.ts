import { join } from 'node:path';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { digestHex, fail } from '@pinlane/contracts';
import type { ContentSource } from '../content/index.ts';
import { fileChunks } from '../context/files.ts';
import { cleanTarPath, readTar, type Layer } from '../layer/index.ts';
import { tarBytes, UNPACK_LIMITS } from '../layer/tar-bytes.ts';
import { archiveEntries, archivePacking, type OpenFile } from './archives.ts';
import type { FileNode, FileTree } from './tree.ts';

interface Wanted {
  readonly layer: Layer;
  readonly files: Map<string, FileNode>;
}

const byLayer = (files: readonly FileNode[]): Wanted[] => {
  const layers = new Map<string, Wanted>();
  for (const file of files) {
    if (file.source.kind !== 'layer') continue;
    const { layer, path } = file.source;
    const wanted = layers.get(layer.diffId) ?? { layer, files: new Map() };
    layers.set(layer.diffId, wanted);
    wanted.files.set(path, file);
  }
  return [...layers.values()];
};

const unpackedPath = (folder: string, { sha256 }: FileNode): string => join(folder, digestHex(sha256));

/** Those of archives of the context, one pass over each. */
const unpackArchives = async (files: readonly FileNode[], context: FileTree, open: OpenFile, folder: string): Promise<void> => {
  const archives = new Map<string, Map<number, FileNode>>();
  for (const file of files) {
    if (file.source.kind !== 'archive') continue;
    const { path, entry } = file.source;
    archives.set(path, (archives.get(path) ?? new Map<number, FileNode>()).set(entry, file));
  }
  for (const [path, wanted] of archives) {
    const archive = context.get(path) as FileNode;
    const changed = `${JSON.stringify(path)} changed while the image was built from it`;
    const packing = (await archivePacking(archive, path, open)) ?? fail('ERR_CONTEXT_INVALID', changed);
    let number = -1;
    for await (const entry of archiveEntries(packing, archive, path, open)) {
      const file = wanted.get((number += 1));
      if (file) await pipeline(Readable.from(entry.content), createWriteStream(unpackedPath(folder, file)));
    }
  }
};

/** What files are taken out of. */
export interface Sources {
  readonly store: ContentSource;
  readonly context: FileTree;
  /** The bytes of a file of the context. */
  readonly open: OpenFile;
}

/** Whether a file has to be unpacked before its bytes are at hand. */
export const isPackedFile = ({ source }: FileNode): boolean => source.kind === 'layer' || source.kind === 'archive';

/**
 * Takes files out of layers and archives into a folder, named by their hashes: one pass over each layer, memory for a few chunks. They are needed in another
 * order than the layers have them, and not all at once.
 */
export const unpackFiles = async ({ store, context, open }: Sources, files: readonly FileNode[], folder: string): Promise<OpenFile> => {
  await unpackArchives(files, context, open, folder);
  for (const { layer, files: wanted } of byLayer(files)) {
    for await (const entry of readTar(tarBytes(store, layer.descriptor, layer.diffId, UNPACK_LIMITS))) {
      const path = cleanTarPath(entry.name);
      const file = path === undefined || entry.type !== 'file' ? undefined : wanted.get(path);
      if (file) await pipeline(Readable.from(entry.content), createWriteStream(unpackedPath(folder, file)));
    }
  }
  return (file, use) => fileChunks(unpackedPath(folder, file), use);
};
