export { ASSEMBLER_VERSION, assembleImage, type AssembledImage, type AssembleRequest } from './assemble.ts';
export { readBaseLayers, type BaseLayers } from './bases.ts';
