import { join } from 'node:path';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { digestHex } from '@pinlane/contracts';
import type { ContentSource } from '../content/index.ts';
import { fileChunks } from '../context/files.ts';
import { cleanTarPath, readTar, type Layer } from '../layer/index.ts';
import { tarBytes, UNPACK_LIMITS } from '../unpack/tar-bytes.ts';
import type { FileNode } from './tree.ts';

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

/**
 * Takes files out of layers into a folder, named by their hashes: one pass over each layer, memory for a few chunks. They are needed in another
 * order than the layers have them, and not all at once.
 */
export const unpackFiles = async (store: ContentSource, files: readonly FileNode[], folder: string): Promise<(file: FileNode) => AsyncIterable<Uint8Array>> => {
  for (const { layer, files: wanted } of byLayer(files)) {
    for await (const entry of readTar(tarBytes(store, layer.descriptor, layer.diffId, UNPACK_LIMITS))) {
      const path = cleanTarPath(entry.name);
      const file = path === undefined || entry.type !== 'file' ? undefined : wanted.get(path);
      if (file) await pipeline(Readable.from(entry.content), createWriteStream(unpackedPath(folder, file)));
    }
  }
  return (file) => fileChunks(unpackedPath(folder, file));
};
