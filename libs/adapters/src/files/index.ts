export { removeTree } from './remove-tree.ts';
export { makeRunFolder, withRunFolder } from './run-folder.ts';
