export * from './content/index.ts';
export * from './image/index.ts';
export * from './registry/index.ts';
export * from './store/index.ts';
export * from './unpack/index.ts';
