export * from './registry-texts.ts';
export * from './requires.ts';
