export { readBaseLayers, type BaseLayers } from './base-layers.ts';
export { ASSEMBLER_VERSION, assembleImage, type AssembledImage, type AssembleRequest } from './assemble.ts';
