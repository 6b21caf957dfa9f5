export { imageArchive } from './image-archive.ts';
