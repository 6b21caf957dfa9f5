export * from './address.ts';
export * from './await-serving.ts';
export * from './local/index.ts';
export * from './modal/index.ts';
