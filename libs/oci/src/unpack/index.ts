export { parseEntryName, type EntryName } from './entry-name.ts';
export { tarBytes, UNPACK_LIMITS, type UnpackLimits } from './tar-bytes.ts';
export { unpackImage, type UnpackedImage, type UnpackOptions } from './unpack-image.ts';
