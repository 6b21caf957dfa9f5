export * from './redact.ts';
export * from './runner.ts';
