export { parseEntryName, type EntryName } from './entry-name.ts';
export { unpackImage, type UnpackedImage, type UnpackOptions } from './unpack-image.ts';
