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

/** Where an image goes that a builder made, and what is fixed in it on the way. */
export interface ClampSite {
  readonly store: Store;
  /** The layers of the images that it was built on. */
  readonly base: BaseLayers;
  /** In seconds: no time in the image is later. */
  readonly epoch: number;
  /** Whether what earlier builds left is not to be used. */
  readonly fresh: boolean;
}

/** A layer as a builder gave it away. */
export interface BuiltLayer {
  /** Of its tar. */
  readonly diffId: Digest;
  /** The tar from its start, checked against `diffId` when it ends. */
  tar(): AsyncIterable<Uint8Array>;
}

/** One platform's image as a builder gave it away. */
export interface BuiltPlatform {
  readonly configBytes: Uint8Array;
  readonly layers: readonly BuiltLayer[];
  /** Of its manifest. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Raised when the bytes that are written for the same layer change. */
const CLAMP_FORMAT = 1;

const writeClamped = async ({ tar }: BuiltLayer, { store, epoch }: ClampSite): Promise<Layer> => {
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

/**
 * Writes one platform's image that a builder made into the store: each layer of its base as the base has it, no time in the others and in the config
 * later than the epoch. BuildKit fixes times by itself (`rewrite-timestamp`), but it packs the base anew in each build wherever that came as a named
 * context, which takes ten times as long as the build and gives every layer of the base a second digest.
 * @throws ERR_DIGEST_MISMATCH, ERR_LAYER_UNSAFE and whatever a layer's tar or the base's source throws
 */
export const clampImage = async ({ configBytes, layers: built, annotations }: BuiltPlatform, site: ClampSite): Promise<Descriptor> => {
  const { store, base, epoch, fresh } = site;
  const cache = openLayerCache(store, { fresh });
  const layers: Layer[] = [];
  for (const layer of built) {
    const { diffId } = layer;
    const own = base.get(diffId);
    if (own) await store.putBlob(own.descriptor, () => own.source.openBlob(own.descriptor));
    const key = sha256(JSON.stringify(['clamped', CLAMP_FORMAT, diffId, epoch]));
    layers.push(own ? { descriptor: own.descriptor, diffId } : (await cache.layer(key, () => writeClamped(layer, site))).layer);
  }
  const config = clampConfig(
    configBytes,
    layers.map(({ diffId }) => diffId),
    epoch,
  );
  await store.writeBlob(config);
  const named = { config: describe(OCI_CONFIG, config), layers: layers.map(({ descriptor }) => descriptor) };
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, ...named, ...(annotations ? { annotations } : {}) };
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  const descriptor = describe(OCI_MANIFEST, bytes);
  await store.putManifest(descriptor, bytes);
  return descriptor;
};
