import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { digestHex, digestSchema, type Digest } from '@pinlane/contracts';
import { descriptorSchema, sha256, type ContentSource, type Descriptor } from '../content/index.ts';
import type { Store } from '../store/index.ts';
import { sortEntries, type LayerEntry } from './entry.ts';
import { layerListingSchema, listLayer, type LayerListing } from './listing.ts';
import { once } from './once.ts';
import type { Layer } from './write-layer.ts';

/** Raised when the bytes that are written for the same entries change. */
const FORMAT = 1;

const layerSchema = z.object({ descriptor: descriptorSchema, diffId: digestSchema });

/** What goes into a layer, as one hash: equal keys give equal layers. */
export const layerKey = (entries: readonly LayerEntry[]): Digest =>
  sha256(
    JSON.stringify([
      FORMAT,
      ...sortEntries(entries).map((entry) => [
        entry.type,
        entry.path,
        entry.mode,
        entry.uid,
        entry.gid,
        ...(entry.type === 'file' ? [entry.size, entry.sha256] : entry.type === 'directory' ? [] : [entry.target]),
      ]),
    ]),
  );

/** Remembers, beside a store, which layers its blobs are and what is in them. It may be deleted at any time; what it says of a blob counts only while that is there. */
export interface LayerCache {
  /** The layer of some entries; `make` writes it where it is not there yet. */
  layer(entries: readonly LayerEntry[], make: () => Promise<Layer>): Promise<{ readonly layer: Layer; readonly built: boolean }>;
  /** What a layer in the store holds. */
  listing(layer: Descriptor, diffId: Digest): Promise<LayerListing>;
  /** A new empty folder on the store's disk, for as long as the work takes. */
  withFolder<T>(work: (folder: string) => Promise<T>): Promise<T>;
}

const readJson = async <S extends z.ZodType>(path: string, schema: S): Promise<z.output<S> | undefined> => {
  try {
    const parsed = schema.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Missing or damaged: it is made again.
    return undefined;
  }
};

const writeJson = async (path: string, value: unknown): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(temporary, JSON.stringify(value));
  await rename(temporary, path);
};

export const openLayerCache = (store: Store): LayerCache => {
  const root = join(store.root, '.pinlane-layers');
  const underWay = new Map<Digest, Promise<{ layer: Layer; built: boolean }>>();
  const listings = new Map<Digest, Promise<LayerListing>>();

  const find = async (key: Digest, make: () => Promise<Layer>) => {
    const path = join(root, 'built', `${digestHex(key)}.json`);
    const known = await readJson(path, layerSchema);
    if (known && (await store.hasBlob(known.descriptor))) return { layer: known, built: false };
    const layer = await make();
    await writeJson(path, layer);
    return { layer, built: true };
  };

  const list = async (layer: Descriptor, diffId: Digest) => {
    const path = join(root, 'listings', `${digestHex(layer.digest)}.json`);
    const known = await readJson(path, layerListingSchema);
    if (known?.diffId === diffId) return known;
    const listing = await listLayer(store as ContentSource, layer, diffId);
    await writeJson(path, listing);
    return listing;
  };

  return {
    layer: (entries, make) => {
      const key = layerKey(entries);
      return once(underWay, key, () => find(key, make));
    },
    listing: (layer, diffId) => once(listings, layer.digest, () => list(layer, diffId)),
    withFolder: async (work) => {
      const folder = join(root, `work-${randomBytes(8).toString('hex')}`);
      await mkdir(folder, { recursive: true });
      try {
        return await work(folder);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
};
