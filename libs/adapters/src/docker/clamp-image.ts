import type { Digest } from '@pinlane/contracts';
import {
  clampTimes,
  createSha256,
  describe,
  gzipChunks,
  openLayerCache,
  OCI_CONFIG,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
  sha256,
  type BaseLayers,
  type Descriptor,
  type Layer,
  type Store,
} from '@pinlane/oci';

/** Where the image of a builder is written, and what is fixed in it on the way. */
export interface ClampTarget {
  readonly store: Store;
  /** The layers of the images that it is built on. */
  readonly base: BaseLayers;
  /** In seconds; no time in the image is later. */
  readonly epoch: number;
  /** Whether layers are made anew that earlier builds made. */
  readonly fresh: boolean;
}

/** A layer as a builder made it. */
export interface BuiltLayer {
  /** The digest of its tar. */
  readonly diffId: Digest;
  /** The tar, from its start at each call; its end is the check that it is the one of `diffId`. */
  tar(): AsyncIterable<Uint8Array>;
}

/** One platform's image as a builder made it. */
export interface BuiltPlatform {
  readonly configBytes: Uint8Array;
  readonly layers: readonly BuiltLayer[];
  /** The annotations of its manifest. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** To be raised with a change here that gives other bytes for the same layer. */
const CLAMP_FORMAT = 1;

const writeClamped = async ({ tar }: BuiltLayer, { store, epoch }: ClampTarget): Promise<Layer> => {
  const hash = createSha256();
  async function* hashed(): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of clampTimes(tar(), epoch)) {
      hash.update(chunk);
      yield chunk;
    }
  }
  const { digest, size } = await store.writeBlob(gzipChunks(hashed()));
  return { descriptor: { mediaType: OCI_LAYER_GZIP, digest, size }, diffId: hash.digest() };
};

type Config = { created?: string; history?: { created?: string }[]; rootfs: object };

/** The same config over other layers, with no time after the epoch. */
const clampConfig = (bytes: Uint8Array, diffIds: readonly Digest[], epoch: number): Uint8Array => {
  const at = (time: string): string => (Date.parse(time) <= epoch * 1000 ? time : new Date(epoch * 1000).toISOString().replace('.000Z', 'Z'));
  const timed = <T extends { created?: string }>(each: T): T => (each.created === undefined ? each : { ...each, created: at(each.created) });
  const config = timed(JSON.parse(Buffer.from(bytes).toString('utf8')) as Config);
  const history = config.history === undefined ? {} : { history: config.history.map(timed) };
  return new TextEncoder().encode(JSON.stringify({ ...config, ...history, rootfs: { ...config.rootfs, diff_ids: diffIds } }));
};

/** The layer as the base has it, which stays in the base's registry; undefined if it is none of the base's. */
const baseLayer = async ({ diffId }: BuiltLayer, { store, base }: ClampTarget): Promise<Layer | undefined> => {
  const own = base.get(diffId);
  if (own === undefined) return undefined;
  if (own.source.repository !== undefined) await store.noteOrigin({ ...own.source.repository, digest: own.image }, [own.descriptor]);
  else if (own.source !== store) await store.putBlob(own.descriptor, () => own.source.openBlob(own.descriptor));
  return { descriptor: own.descriptor, diffId };
};

const clampLayers = async (built: readonly BuiltLayer[], target: ClampTarget): Promise<Layer[]> => {
  const { store, epoch, fresh } = target;
  const cache = openLayerCache(store, { fresh });
  const layers: Layer[] = [];
  for (const layer of built) {
    const key = sha256(JSON.stringify(['clamped', CLAMP_FORMAT, layer.diffId, epoch]));
    layers.push((await baseLayer(layer, target)) ?? (await cache.layer(key, () => writeClamped(layer, target))).layer);
  }
  return layers;
};

/**
 * Writes one platform's image that a builder made into the store: each layer of its base as the base has it, and no time in the other layers and in the config
 * that is later than the epoch. BuildKit could fix times by itself (`rewrite-timestamp`), but in each build it packs a base anew that came as a named context:
 * that takes ten times as long as the build, and gives every layer of the base a second digest.
 * @throws ERR_DIGEST_MISMATCH, ERR_LAYER_UNSAFE and whatever a layer's tar or the base's source throws
 */
export const clampImage = async ({ configBytes, layers: built, annotations }: BuiltPlatform, target: ClampTarget): Promise<Descriptor> => {
  const { store, epoch } = target;
  const layers = await clampLayers(built, target);
  const diffIds = layers.map(({ diffId }) => diffId);
  const config = clampConfig(configBytes, diffIds, epoch);
  await store.writeBlob(config);
  const named = { config: describe(OCI_CONFIG, config), layers: layers.map(({ descriptor }) => descriptor) };
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, ...named, ...(annotations ? { annotations } : {}) };
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  const descriptor = describe(OCI_MANIFEST, bytes);
  await store.putManifest(descriptor, bytes);
  return descriptor;
};
