export { unpackImage, type UnpackedImage, type UnpackOptions } from './unpack-image.ts';
