export * from './model.ts';
export { parseDockerfile } from './parse.ts';
export { dockerfileBases, requireEmbeddable, undeclaredArguments } from './requirements.ts';
export { planStages, type Origin, type ResolvedStage, type StagePlan } from './stages.ts';
export { BUILD_PLATFORM, automaticArguments } from './variables.ts';
