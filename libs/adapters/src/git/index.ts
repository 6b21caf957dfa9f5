export * from './between.ts';
export * from './clone.ts';
export { headNames, type HeadNames } from './head-names.ts';
export { headRevision, type HeadRevision } from './head.ts';
export * from './history.ts';
export * from './log.ts';
export * from './merge-file.ts';
export * from './pickaxe.ts';
export * from './remote.ts';
