import type { Digest } from '@pinlane/contracts';
import { stopIfAborted, type ChunkUse } from '../content/index.ts';
import { layerKey, writeLayer, type Layer, type LayerCache } from '../layer/index.ts';
import type { Store } from '../store/index.ts';
import type { OpenFile } from './archives.ts';
import { layerEntries, type PlannedEntry } from './changes.ts';
import type { FileBytes } from './file-bytes.ts';
import type { StageState } from './stage-state.ts';

/** What goes into a layer is copied on the spot. */
const LENT: ChunkUse = { lent: true };

export interface LayerBuilder {
  /** The layers of a stage; those that are missing are built. @throws ERR_CONTEXT_INVALID, ERR_CANCELLED */
  layersOf(state: StageState): Promise<Layer[]>;
  /** How many layers were found, and how many were built; one that platforms share counts once. */
  counts(): { readonly reused: number; readonly built: number };
}

export const createLayerBuilder = (store: Store, cache: LayerCache, files: FileBytes, signal: AbortSignal): LayerBuilder => {
  const builtNow = new Map<Digest, boolean>();

  const build = async (planned: readonly PlannedEntry[]): Promise<Layer> => {
    stopIfAborted(signal);
    const entries = (open: OpenFile) => layerEntries(planned, (file) => open(file, LENT));
    const wanted = planned.flatMap(({ node }) => (node.type === 'file' ? [node] : []));
    // The key stands for what is in the files, which are only opened if the layer has to be made.
    const make = () => files.withFiles(wanted, (open) => writeLayer(store, entries(open)));
    const { layer, built } = await cache.layer(layerKey(entries(files.open)), make);
    builtNow.set(layer.descriptor.digest, built);
    return layer;
  };

  return {
    layersOf: async ({ layers }) => {
      const all: Layer[] = [];
      for (const layer of layers) all.push(layer.kind === 'base' ? layer.layer : await build(layer.entries));
      return all;
    },
    counts: () => {
      const built = [...builtNow.values()].filter(Boolean).length;
      return { reused: builtNow.size - built, built };
    },
  };
};
