export * from './compose.ts';
export * from './platforms.ts';
export * from './read.ts';
export * from './verify.ts';
