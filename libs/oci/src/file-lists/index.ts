export { listedHere, publishFileLists, readFileLists } from './artifact.ts';
export { type FileLists } from './document.ts';
