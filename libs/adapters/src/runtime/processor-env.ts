import { DEFAULT_ARTIFACTS_ROOT, PROCESSOR_ENV, type StartOptions } from '@pinlane/contracts';

/** Where an isolated processor sees its artifacts root. */
export const ARTIFACTS_ROOT = DEFAULT_ARTIFACTS_ROOT;

/** What a processor is told: what the caller gives, its port and its artifacts root. */
export const processorEnv = (options: StartOptions, artifactsRoot: string, port: number): Record<string, string> => ({
  ...options.env,
  [PROCESSOR_ENV.port]: String(port),
  [PROCESSOR_ENV.artifactsRoot]: artifactsRoot,
});
