/** Media types of the OCI image specification (media-types.md) and of Docker's schema 2, which means the same. */
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
/** The type of `{}`, which an artefact without a config has in its place. */
export const OCI_EMPTY = 'application/vnd.oci.empty.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';
export const OCI_LAYER_GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';
export const OCI_LAYER_ZSTD = 'application/vnd.oci.image.layer.v1.tar+zstd';

export const DOCKER_INDEX = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';
export const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar';
export const DOCKER_LAYER_GZIP = 'application/vnd.docker.image.rootfs.diff.tar.gzip';

export const INDEX_TYPES = [OCI_INDEX, DOCKER_INDEX] as const;
export const MANIFEST_TYPES = [OCI_MANIFEST, DOCKER_MANIFEST] as const;
export const CONFIG_TYPES = [OCI_CONFIG, DOCKER_CONFIG] as const;

/** How a layer's tar is packed. */
export type LayerCompression = 'none' | 'gzip' | 'zstd';

const LAYER_COMPRESSION: Readonly<Record<string, LayerCompression>> = {
  [OCI_LAYER]: 'none',
  [OCI_LAYER_GZIP]: 'gzip',
  [OCI_LAYER_ZSTD]: 'zstd',
  [DOCKER_LAYER]: 'none',
  [DOCKER_LAYER_GZIP]: 'gzip',
  // Layers that registries need not have; where one does, it is like any other.
  'application/vnd.oci.image.layer.nondistributable.v1.tar': 'none',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip': 'gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd': 'zstd',
  'application/vnd.docker.image.rootfs.foreign.diff.tar': 'none',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip': 'gzip',
};

const among = (types: readonly string[]) => (mediaType: string) => types.includes(mediaType);

export const isIndexType = among(INDEX_TYPES);
export const isManifestType = among(MANIFEST_TYPES);
export const isConfigType = among(CONFIG_TYPES);

/** How a layer of this media type is packed; undefined if the type is not one of a file system's layers. */
export const layerCompression = (mediaType: string): LayerCompression | undefined =>
  Object.hasOwn(LAYER_COMPRESSION, mediaType) ? LAYER_COMPRESSION[mediaType] : undefined;

/** Annotation of an image layout's index.json: the name of an image (annotations.md). */
export const REF_NAME = 'org.opencontainers.image.ref.name';
/** Annotation by which BuildKit marks entries of an index that are not a platform's manifest, such as attestations. */
export const DOCKER_REFERENCE_TYPE = 'vnd.docker.reference.type';
