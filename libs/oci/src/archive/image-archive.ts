import { uniqueBlobs, verifyBytes, type BlobDescriptor, type ContentSource } from '../content/index.ts';
import type { PlatformImage } from '../image/index.ts';
import { BLOCK, encodeEntry, padding } from '../layer/tar-header.ts';

interface ArchiveFile {
  readonly path: string;
  readonly size: number;
  open(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

const blobPath = ({ digest }: BlobDescriptor): string => `blobs/${digest.replace(':', '/')}`;

const text = (path: string, value: unknown): ArchiveFile => {
  const bytes = Buffer.from(JSON.stringify(value));
  return { path, size: bytes.length, open: () => [bytes] };
};

const filesOf = (source: ContentSource, { descriptor, manifest, configBytes }: PlatformImage, manifestBytes: Uint8Array, name: string): ArchiveFile[] => {
  const { mediaType, digest, size } = descriptor;
  return [
    text('oci-layout', { imageLayoutVersion: '1.0.0' }),
    text('index.json', { schemaVersion: 2, manifests: [{ mediaType, digest, size, annotations: { 'io.containerd.image.name': name } }] }),
    text('manifest.json', [{ Config: blobPath(manifest.config), RepoTags: [name], Layers: manifest.layers.map(blobPath) }]),
    { path: blobPath(descriptor), size, open: () => [manifestBytes] },
    { path: blobPath(manifest.config), size: configBytes.length, open: () => [configBytes] },
    ...uniqueBlobs(manifest.layers).map((layer) => ({ path: blobPath(layer), size: layer.size, open: () => source.openBlob(layer) })),
  ];
};

/**
 * One platform of an image as a tar that `docker load` takes, streamed: an OCI layout (OCI image specification, image-layout.md) with a
 * `manifest.json` beside it. A Docker that stores images in containerd reads the layout and keeps the manifest's digest; any other reads the
 * `manifest.json`. The source checks each blob against its digest as it passes.
 * @param name `repository:tag`, under which Docker keeps it
 * @throws ERR_DIGEST_MISMATCH and whatever the source throws
 */
export async function* imageArchive(source: ContentSource, image: PlatformImage, name: string): AsyncGenerator<Uint8Array, void, void> {
  const { bytes } = await source.readManifest(image.descriptor.digest);
  await source.bring?.(image.manifest.layers);
  for (const { path, size, open } of filesOf(source, image, verifyBytes(bytes, image.descriptor.digest), name)) {
    yield encodeEntry({ type: 'file', path, size, mode: 0o644, uid: 0, gid: 0 });
    yield* open();
    yield padding(size);
  }
  yield Buffer.alloc(2 * BLOCK);
}
