import { architectureOfMachine, parseDigest, platformOf, type RunnableImage } from '@pinlane/contracts';
import { describe, imageArchive, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, readImage, platformOfImage, sha256, type ContentSource } from '@pinlane/oci';

/** A tar without entries. */
const EMPTY_TAR = Buffer.alloc(1024);

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/**
 * An image without a single file. The bridge's container runs this machine's Node, which is mounted into it: a bridge in the image under test
 * would run whatever loader and libraries that image has.
 */
export const bridgeImage = async (): Promise<Pick<RunnableImage, 'name' | 'platform' | 'digest' | 'configDigest' | 'archive'>> => {
  // The bridge is run by this machine's Node.
  const architecture = architectureOfMachine(process.arch);
  const config = json({ architecture, os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [sha256(EMPTY_TAR)] } });
  const layers = [describe(OCI_LAYER, EMPTY_TAR)];
  const manifest = json({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: describe(OCI_CONFIG, config), layers });
  const source: ContentSource = {
    readManifest: async () => ({ descriptor: describe(OCI_MANIFEST, manifest), bytes: manifest }),
    openBlob: async function* ({ digest }) {
      yield digest === layers[0]?.digest ? EMPTY_TAR : config;
    },
  };
  const platform = platformOf(architecture);
  const image = platformOfImage(await readImage(source, sha256(manifest)), platform);
  return {
    name: 'bridge',
    platform,
    digest: image.descriptor.digest,
    configDigest: parseDigest(image.manifest.config.digest),
    archive: (name) => imageArchive(source, image, name),
  };
};
