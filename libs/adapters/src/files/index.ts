export { writeFileAtomic } from './atomic-write.ts';
export { makeRunFolder } from './run-folder.ts';
