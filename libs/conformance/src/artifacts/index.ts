export { openArtifacts, type Artifacts, type ArtifactOptions, type Entry, type Measured } from './artifacts.ts';
export { ARTIFACT_LIMITS, type ArtifactLimits } from './limits.ts';
export { Unreadable } from './open.ts';
