export * from './requires.ts';
