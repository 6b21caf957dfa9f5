import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { digestHex, digestSchema, isPinlaneError, type Digest } from '@pinlane/contracts';
import { descriptorSchema, sha256, type BlobSource, type Descriptor } from '../content/index.ts';
import { aboutFile, makeFolder } from '../files/index.ts';
import type { Store } from '../store/index.ts';
import { sortEntries, type LayerEntry } from './entry.ts';
import { LISTING_VERSION, listLayer, type LayerListing } from './listing.ts';
import { once } from './once.ts';
import { sweepLayerCache } from './sweep.ts';
import type { Layer } from './write-layer.ts';

/** Raised when the bytes that are written for the same entries change. */
export const LAYER_FORMAT = 1;

const layerSchema = z.object({ descriptor: descriptorSchema, diffId: digestSchema });

/** What goes into a layer, as one hash: equal keys give equal layers. */
export const layerKey = (entries: readonly LayerEntry[]): Digest =>
  sha256(
    JSON.stringify([
      LAYER_FORMAT,
      ...sortEntries(entries).map((entry) => [
        entry.type,
        entry.path,
        entry.mode,
        entry.uid,
        entry.gid,
        ...(entry.type === 'file' ? [entry.size, entry.sha256] : 'target' in entry ? [entry.target] : []),
      ]),
    ]),
  );

/**
 * Remembers, beside a store, which of its blobs are which layers, and what is in them. It may be deleted at any time; a record counts only as long as
 * its blob is there.
 */
export interface LayerCache {
  /** The layer of a key (see `layerKey`); `make` writes it if it is not there. */
  layer(key: Digest, make: () => Promise<Layer>): Promise<{ readonly layer: Layer; readonly built: boolean }>;
  /** What a layer holds; it is read from `source`, the store if absent, unless it was listed before. */
  listing(layer: Descriptor, diffId: Digest, source?: BlobSource): Promise<LayerListing>;
  /** What a layer holds, if it was listed before, wherever it is now. */
  known(layer: Descriptor, diffId: Digest): Promise<LayerListing | undefined>;
  /** A new empty folder on the store's disk, for as long as the work takes. */
  withFolder<T>(work: (folder: string) => Promise<T>): Promise<T>;
}

/** A value that was kept; undefined if it is missing, or altered: its hash stands before it. */
const readKept = async (path: string): Promise<unknown> => {
  try {
    const text = await readFile(path, 'utf8');
    const end = text.indexOf('\n');
    const json = text.slice(end + 1);
    return sha256(json) === text.slice(0, end) ? JSON.parse(json) : undefined;
  } catch {
    return undefined;
  }
};

const keep = async (path: string, value: unknown): Promise<void> => {
  await makeFolder(dirname(path));
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  const json = JSON.stringify(value);
  await aboutFile(temporary, () => writeFile(temporary, `${sha256(json)}\n${json}`));
  await rename(temporary, path);
};

/** Up to this size, in bytes, a layer is hashed before it is used again, which takes less than a millisecond; one that was altered is built anew. */
const SMALL = 1024 * 1024;

const isIntact = async (store: Store, blob: Descriptor): Promise<boolean> => {
  if (!(await store.hasBlob(blob))) return false;
  if (blob.size > SMALL) return true;
  try {
    await store.readBlob(blob.digest, blob.size);
    return true;
  } catch (error) {
    if (isPinlaneError(error, 'ERR_STORE_CORRUPT')) return false;
    throw error;
  }
};

/** Opens the cache beside a store. If it is `fresh`, nothing that earlier builds left is used: all is made anew. */
export const openLayerCache = (store: Store, { fresh = false }: { readonly fresh?: boolean } = {}): LayerCache => {
  const root = join(store.root, '.pinlane-layers');
  const underWay = new Map<Digest, Promise<{ layer: Layer; built: boolean }>>();
  const listings = new Map<Digest, Promise<LayerListing>>();

  const find = async (key: Digest, make: () => Promise<Layer>) => {
    const path = join(root, 'built', `${digestHex(key)}.json`);
    const known = fresh ? undefined : layerSchema.safeParse(await readKept(path)).data;
    if (known && (await isIntact(store, known.descriptor))) return { layer: known, built: false };
    const layer = await make();
    await keep(path, layer);
    return { layer, built: true };
  };

  const listingPath = ({ digest }: Descriptor) => join(root, 'listings', `${digestHex(digest)}.json`);

  const known = async (layer: Descriptor, diffId: Digest) => {
    // Its shape is not checked, because its hash was: a check of every entry would take longer than all the rest of a small build.
    const kept = fresh ? undefined : ((await readKept(listingPath(layer))) as LayerListing | undefined);
    return kept?.version === LISTING_VERSION && kept.diffId === diffId ? kept : undefined;
  };

  const list = async (layer: Descriptor, diffId: Digest, source: BlobSource) => {
    const kept = await known(layer, diffId);
    if (kept) return kept;
    const listing = await listLayer(source, layer, diffId);
    await keep(listingPath(layer), listing);
    // This is the time to sweep: a new base is rare, and the listings of the one before it are left.
    await sweepLayerCache(root, store);
    return listing;
  };

  return {
    layer: (key, make) => once(underWay, key, () => find(key, make)),
    known,
    listing: (layer, diffId, source = store) => once(listings, layer.digest, () => list(layer, diffId, source)),
    withFolder: async (work) => {
      const folder = join(root, `work-${randomBytes(8).toString('hex')}`);
      await makeFolder(folder);
      try {
        return await work(folder);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
};
