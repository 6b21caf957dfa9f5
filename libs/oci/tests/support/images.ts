import { randomBytes } from 'node:crypto';
import { fail, type Architecture, type Digest } from '@pinlane/contracts';
import {
  describe,
  OCI_CONFIG,
  OCI_LAYER,
  OCI_MANIFEST,
  parseDocument,
  sha256,
  type ContentSink,
  type ContentSource,
  type Descriptor,
} from '../../src/content/index.ts';
import { composeIndex } from '../../src/image/compose.ts';
import { verifyImage } from '../../src/image/verify.ts';
import type { Store } from '../../src/store/index.ts';

/** The bytes of an image, to be put anywhere or spoilt. */
export interface TestImage {
  readonly index: { readonly bytes: Uint8Array; readonly descriptor: Descriptor };
  readonly manifests: readonly { readonly architecture: Architecture; readonly bytes: Uint8Array; readonly descriptor: Descriptor }[];
  readonly blobs: readonly { readonly bytes: Uint8Array; readonly descriptor: Descriptor }[];
}

export const jsonBytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

export interface ImageOptions {
  readonly architectures?: readonly Architecture[];
  /** One layer of so many bytes for each platform. */
  readonly layerSize?: number;
  /** Equal words give equal images. */
  readonly word?: string;
}

const layerBytes = (architecture: string, { word, layerSize = 64 }: ImageOptions): Uint8Array =>
  word === undefined ? randomBytes(layerSize) : Buffer.alloc(layerSize, `${architecture} ${word} `);

/** An image of one small layer for each platform, over which an index stands. */
export const makeImage = (options: ImageOptions = {}): TestImage => {
  const platforms = (options.architectures ?? ['amd64', 'arm64']).map((architecture) => {
    const layer = layerBytes(architecture, options);
    const config = jsonBytes({ architecture, os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [sha256(layer)] } });
    const blobs = [
      { bytes: config, descriptor: describe(OCI_CONFIG, config) },
      { bytes: layer, descriptor: describe(OCI_LAYER, layer) },
    ];
    const bytes = jsonBytes({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: blobs[0]!.descriptor, layers: [blobs[1]!.descriptor] });
    const descriptor: Descriptor = { ...describe(OCI_MANIFEST, bytes), platform: { os: 'linux', architecture } };
    return { architecture, bytes, descriptor, blobs };
  });
  return {
    index: composeIndex(platforms.map(({ descriptor }) => descriptor)),
    manifests: platforms.map(({ architecture, bytes, descriptor }) => ({ architecture, bytes, descriptor })),
    blobs: platforms.flatMap(({ blobs }) => blobs),
  };
};

export async function* chunksOf(bytes: Uint8Array, size = 16 * 1024): AsyncGenerator<Uint8Array, void, void> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

/** Puts a whole image into a sink, children first. */
export const putImage = async (sink: ContentSink, image: TestImage): Promise<void> => {
  for (const { bytes, descriptor } of image.blobs) await sink.putBlob(descriptor, () => chunksOf(bytes));
  for (const { bytes, descriptor } of image.manifests) await sink.putManifest(descriptor, bytes);
  await sink.putManifest(image.index.descriptor, image.index.bytes);
};

/** A source in memory that holds some bytes, each under its digest. */
export const sourceOfBytes = (all: readonly Uint8Array[]): ContentSource => {
  const held = new Map(all.map((bytes) => [sha256(bytes), bytes]));
  return {
    async readManifest(digest) {
      const bytes = held.get(digest) ?? fail('ERR_MANIFEST_UNKNOWN', `${digest} is not here`);
      return { descriptor: parseDocument(bytes).descriptor, bytes };
    },
    openBlob: ({ digest }) => chunksOf(held.get(digest) ?? fail('ERR_BLOB_UNKNOWN', `${digest} is not here`)),
  };
};

/** A source in memory that holds an image. */
export const sourceOf = ({ index, manifests, blobs }: TestImage): ContentSource => sourceOfBytes([index, ...manifests, ...blobs].map(({ bytes }) => bytes));

/** Proves that a store holds an image, every byte of it. */
export const verifyWhole = (store: Store, digest: Digest): Promise<unknown> => verifyImage(store, digest, { blobs: 'hashed' });
