export { readBuildContext, type ContextOptions } from './context.ts';
export type { BuildContext, ContextEntry } from './model.ts';
