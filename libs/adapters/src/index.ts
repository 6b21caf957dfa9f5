export * from './process/index.ts';
export * from './runtime/index.ts';
