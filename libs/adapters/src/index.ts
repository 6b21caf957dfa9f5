export * from './docker/index.ts';
export * from './embedded/index.ts';
export * from './files/index.ts';
export * from './git/index.ts';
export * from './github/index.ts';
export * from './hosting/index.ts';
export * from './process/index.ts';
export * from './runtime/index.ts';
