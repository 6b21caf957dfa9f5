export { createEmbeddedEngine, type EmbeddedEngineInput } from './engine.ts';
