export { ASSEMBLER_VERSION, assembleImage, type AssembledImage, type AssembleRequest } from './assemble.ts';
