export type { DockerEngineInput } from './build.ts';
export { createDockerEngine } from './engine.ts';
export { findBuilder, isBuilder, type Builder } from './find-builder.ts';
export { dockerOnly, withoutEffect, type DockerBuildOptions } from './options.ts';
export { parseSecrets, secretValues, type BuildSecret } from './secrets.ts';
