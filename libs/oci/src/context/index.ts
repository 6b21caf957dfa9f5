export { readBuildContext, type ContextOptions } from './context.ts';
export type { BuildContext, ContextEntry, OddEntry } from './model.ts';
