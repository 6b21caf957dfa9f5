import { gzipSync } from 'node:zlib';
import type { Architecture, Digest } from '@pinlane/contracts';
import { composeIndex, describe, OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST, sha256, type ContentSink, type Descriptor } from '@pinlane/oci';

/** Bytes and what describes them. */
export interface Part {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** One platform's image: a layer without files, a config with the labels given, a manifest over both. */
export interface PlatformParts extends Part {
  readonly config: Part;
  readonly layer: Part;
}

/** An image for both platforms. */
export interface ImageParts {
  readonly index: Part;
  readonly amd64: PlatformParts;
  readonly arm64: PlatformParts;
}

const part = (mediaType: string, bytes: Uint8Array): Part => ({ descriptor: describe(mediaType, bytes), bytes });
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** What an image says of itself: the processor it is of, and what it was built from. */
export const labelsOf = (slug: string, fingerprint: Digest): Record<string, string> => ({
  'org.opencontainers.image.title': slug,
  'dev.pinlane.fingerprint': fingerprint,
});

export const makePlatform = (architecture: Architecture, labels: Readonly<Record<string, string>>, mark = ''): PlatformParts => {
  const archive = Buffer.concat([Buffer.alloc(1024), Buffer.from(mark)]);
  const layer = part(OCI_LAYER_GZIP, gzipSync(archive));
  const config = part(OCI_CONFIG, json({ architecture, os: 'linux', config: { Labels: labels }, rootfs: { type: 'layers', diff_ids: [sha256(archive)] } }));
  const manifest = part(OCI_MANIFEST, json({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: config.descriptor, layers: [layer.descriptor] }));
  return { ...manifest, config, layer };
};

export const indexOf = (amd64: Part, arm64: Part): Part =>
  composeIndex([
    { ...amd64.descriptor, platform: { os: 'linux', architecture: 'amd64' } },
    { ...arm64.descriptor, platform: { os: 'linux', architecture: 'arm64' } },
  ]);

/** An image of a processor; `mark` makes one that differs. */
export const makeImage = (slug: string, mark = ''): ImageParts => {
  const labels = labelsOf(slug, sha256(Buffer.from(`${slug} ${mark}`)));
  const [amd64, arm64] = [makePlatform('amd64', labels, mark), makePlatform('arm64', labels, mark)];
  return { amd64, arm64, index: indexOf(amd64, arm64) };
};

/** Puts parts into a place, blobs first. */
export const putParts = async (sink: ContentSink, { amd64, arm64, index }: ImageParts): Promise<void> => {
  for (const { config, layer, descriptor, bytes } of [amd64, arm64]) {
    for (const blob of [config, layer])
      await sink.putBlob(blob.descriptor, async function* () {
        yield blob.bytes;
      });
    await sink.putManifest(descriptor, bytes);
  }
  await sink.putManifest(index.descriptor, index.bytes);
};
