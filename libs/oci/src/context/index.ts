export { readBuildContext, type ContextOptions } from './context.ts';
export { isOwnEntry } from './walk.ts';
export type { BuildContext, ContextEntry, OddEntry } from './model.ts';
