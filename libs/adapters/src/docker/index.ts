export type { DockerEngineInput } from './build.ts';
export { createDockerEngine } from './engine.ts';
export { findBuilder, isBuilder, type Builder } from './find-builder.ts';
export { parseSecrets, secretValues, type BuildSecret } from './secrets.ts';
