export * from './docker-registry.ts';
export * from './faulty-proxy.ts';
export * from './parts.ts';
export * from './registry-auth.ts';
export * from './spec-texts.ts';
export * from './registry.ts';
export * from './requires.ts';
