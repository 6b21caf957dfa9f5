export { makeRunFolder, withRunFolder } from './run-folder.ts';
