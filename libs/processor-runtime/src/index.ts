export { type Output } from './envelope.ts';
export { ProcessorError } from './errors.ts';
export { type Log, type LogFields, type LogLevel } from './log.ts';
export { defineProcessor, type JsonObject, type OutputData, type Processor, type RealContext, type RunContext, type RunResult } from './processor.ts';
export { asProviderError, askProvider, readJsonObject, retryDelay, type ProviderRequest } from './provider.ts';
export { serve } from './serve.ts';
export { createServer, type ProcessorServer, type ServerOptions } from './server.ts';
export { parseSpec, readSpec, type RuntimeSpec } from './spec.ts';
