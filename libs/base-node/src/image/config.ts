import { platformOf, type Architecture, type Digest } from '@pinlane/contracts';
import { describe, OCI_CONFIG, OCI_MANIFEST, platformEntry, type Descriptor, type Layer } from '@pinlane/oci';
import { FINGERPRINT_LABEL } from '@pinlane/pipeline';
import type { BaseLock } from '../lock/lock.ts';

const EPOCH = '1970-01-01T00:00:00Z';

/** A layer with its line in the image's history. */
export interface DescribedLayer extends Layer {
  readonly what: string;
}

/** The labels of the base: versions for people and scanners, the lock's hash for proof. None depends on when or where it was built. */
const baseLabels = ({ release, platforms }: BaseLock, architecture: Architecture, fingerprint: Digest): Record<string, string> => {
  const { packages, node } = platforms[architecture];
  return {
    'dev.pinlane.base.node': node.version,
    'dev.pinlane.base.packages': packages.map(({ name, version }) => `${name}=${version}`).join(' '),
    'dev.pinlane.base.release': release,
    [FINGERPRINT_LABEL]: fingerprint,
    'org.opencontainers.image.description': `Debian ${release} with Node ${node.version}`,
    'org.opencontainers.image.title': 'base-node',
    'org.opencontainers.image.version': `${node.version}-${release}`,
  };
};

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** The config and the manifest of one platform (OCI image-spec, config.md and manifest.md), ready to be stored. */
export const composeImage = (lock: BaseLock, architecture: Architecture, fingerprint: Digest, layers: readonly DescribedLayer[]) => {
  const config = encode({
    architecture,
    config: {
      Cmd: lock.config.cmd,
      Env: Object.entries(lock.config.env)
        .map(([name, value]) => `${name}=${value}`)
        .sort(),
      Labels: baseLabels(lock, architecture, fingerprint),
      WorkingDir: '/',
    },
    created: EPOCH,
    history: layers.map(({ what }) => ({ created: EPOCH, created_by: what })),
    os: 'linux',
    rootfs: { diff_ids: layers.map(({ diffId }) => diffId), type: 'layers' },
  });
  const configDescriptor = describe(OCI_CONFIG, config);
  const manifest = encode({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: configDescriptor,
    layers: layers.map(({ descriptor: { mediaType, digest, size } }) => ({ mediaType, digest, size })),
  });
  const descriptor: Descriptor = { ...describe(OCI_MANIFEST, manifest), platform: platformEntry(platformOf(architecture)) };
  return { config, manifest, descriptor };
};
