export type { FileEntry, LayerEntry } from './entry.ts';
export { LAYER_FORMAT, layerKey, openLayerCache, type LayerCache } from './cache.ts';
export { cleanTarPath, listLayer, type LayerListing, type ListedEntry } from './listing.ts';
export { clampTimes } from './clamp-times.ts';
export { tarBytes, UNPACK_LIMITS, type UnpackLimits } from './tar-bytes.ts';
export { readTar, type TarEntry } from './tar-reader.ts';
export { tarChunks } from './tar-writer.ts';
export { gzipChunks } from './gzip.ts';
export { writeLayer, type Layer } from './write-layer.ts';
