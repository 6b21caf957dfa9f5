import { createHash, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { ARCHITECTURES, fail, parseDigest, type Architecture, type Digest } from '@pinlane/contracts';
import { chunksOf, jsonBytes } from './bytes.ts';

// Nothing here is taken from @pinlane/oci: a builder of its own gives tests a second opinion on what an image is, and @pinlane/oci's tests may use it.
// Nor is anything of Jest's: programs that tests start import this module, as @pinlane/testing/images.

/** What names bytes in an image (OCI image specification, descriptor.md). */
export interface ImageDescriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
}

/** Bytes, and what names them. */
export interface ImagePart<Named extends ImageDescriptor = ImageDescriptor> {
  readonly descriptor: Named;
  readonly bytes: Uint8Array;
}

/** A layer; `diffId` is the digest of its tar before compression. */
export interface ImageLayer extends ImagePart {
  readonly diffId: Digest;
}

/** One platform's image: its manifest, and what the manifest names. */
export interface PlatformImage extends ImagePart<ImageDescriptor & { readonly platform: { readonly architecture: Architecture; readonly os: 'linux' } }> {
  readonly config: ImagePart;
  readonly layers: readonly ImagePart[];
}

/** An image for several platforms: its index, and what the index names. */
export interface TestImage {
  readonly index: ImagePart;
  readonly platforms: readonly PlatformImage[];
  /** The config and the layers of each platform in turn. */
  readonly blobs: readonly ImagePart[];
}

const sha256 = (bytes: Uint8Array): Digest => parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);

/** Bytes as a part of an image. */
export const imagePart = (mediaType: string, bytes: Uint8Array): ImagePart => ({ descriptor: { mediaType, digest: sha256(bytes), size: bytes.length }, bytes });

/** A tar as a layer, as it is or compressed. */
export const layerOf = (tar: Uint8Array, { gzip = false }: { readonly gzip?: boolean } = {}): ImageLayer => {
  const mediaType = `application/vnd.oci.image.layer.v1.tar${gzip ? '+gzip' : ''}`;
  return { ...imagePart(mediaType, gzip ? gzipSync(tar) : tar), diffId: sha256(tar) };
};

/** An image for one platform; `config` is what runs it, such as `Cmd`, `User` and `Labels`. */
export const platformImage = (architecture: Architecture, layers: readonly ImageLayer[], config: Readonly<Record<string, unknown>> = {}): PlatformImage => {
  const facts = { architecture, os: 'linux', config, rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) } };
  const configPart = imagePart('application/vnd.oci.image.config.v1+json', jsonBytes(facts));
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = { schemaVersion: 2, mediaType, config: configPart.descriptor, layers: layers.map(({ descriptor }) => descriptor) };
  const { descriptor, bytes } = imagePart(mediaType, jsonBytes(manifest));
  return { descriptor: { ...descriptor, platform: { architecture, os: 'linux' } }, bytes, config: configPart, layers };
};

/** An index over images, in the order given. */
export const indexOf = (platforms: readonly ImagePart[]): ImagePart => {
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  return imagePart(mediaType, jsonBytes({ schemaVersion: 2, mediaType, manifests: platforms.map(({ descriptor }) => descriptor) }));
};

/** An image of these platforms, in the order given. */
export const imageOf = (platforms: readonly PlatformImage[]): TestImage => ({
  index: indexOf(platforms),
  platforms,
  blobs: platforms.flatMap(({ config, layers }) => [config, ...layers]),
});

/** What tests ask of {@link makeImage}. */
export interface ImageWishes {
  readonly architectures?: readonly Architecture[];
  /** Images of equal marks, labels and sizes are equal, and those of different marks share nothing. An image without a mark is unlike any other. */
  readonly mark?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Makes each layer of so many bytes instead of a small tar: bytes that nothing repeats or compresses, for images that are moved and never unpacked. */
  readonly layerSize?: number;
}

const layerBytes = (word: string, size: number): Uint8Array => createHash('shake256', { outputLength: size }).update(word).digest();

/** An image with one layer for each platform, which holds no file. */
export const makeImage = ({ architectures = ARCHITECTURES, mark = randomUUID(), labels, layerSize }: ImageWishes = {}): TestImage => {
  const config = labels === undefined ? {} : { Labels: labels };
  const layer = (word: string): ImageLayer =>
    // Two blocks of zeros end a tar; what follows is read by nobody.
    layerSize === undefined ? layerOf(Buffer.concat([Buffer.alloc(1024), Buffer.from(word)]), { gzip: true }) : layerOf(layerBytes(word, layerSize));
  return imageOf(architectures.map((architecture) => platformImage(architecture, [layer(`${architecture} ${mark}`)], config)));
};

/** As much of a place that takes images as putting one takes. */
export interface ImageSink {
  putBlob(descriptor: ImageDescriptor, open: () => AsyncIterable<Uint8Array>): Promise<void>;
  putManifest(descriptor: ImageDescriptor, bytes: Uint8Array): Promise<void>;
}

/** Puts an image into a place: blobs first, then the manifests that name them, then the index. */
export const putImage = async (sink: ImageSink, { index, platforms, blobs }: TestImage): Promise<void> => {
  for (const { descriptor, bytes } of blobs) await sink.putBlob(descriptor, () => chunksOf(bytes));
  for (const { descriptor, bytes } of [...platforms, index]) await sink.putManifest(descriptor, bytes);
};

/** A place in memory from which images are read by digest. */
export interface ImageSource {
  readManifest(digest: Digest): Promise<ImagePart>;
  openBlob(blob: { readonly digest: Digest }): AsyncIterable<Uint8Array>;
}

/** A source of images for one platform, and of an index over them if there is one. */
export const sourceOf = ({ platforms, index }: Pick<TestImage, 'platforms'> & { readonly index?: ImagePart }): ImageSource => {
  const byDigest = (parts: readonly ImagePart[]) => new Map(parts.map((part) => [part.descriptor.digest, part]));
  const manifests = byDigest(index === undefined ? platforms : [...platforms, index]);
  const blobs = byDigest(platforms.flatMap(({ config, layers }) => [config, ...layers]));
  return {
    readManifest: async (digest) => manifests.get(digest) ?? fail('ERR_MANIFEST_UNKNOWN', `${digest} is not here`),
    openBlob: ({ digest }) => chunksOf(blobs.get(digest)?.bytes ?? fail('ERR_BLOB_UNKNOWN', `${digest} is not here`)),
  };
};
