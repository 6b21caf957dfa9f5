export { writeFileAtomic } from './atomic-write.ts';
export { makeRunFolder, withRunFolder } from './run-folder.ts';
