export { dockerRuntime } from './runtime.ts';
