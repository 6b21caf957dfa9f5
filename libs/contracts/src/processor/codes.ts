export * from './defaults.ts';

/**
 * The codes with which a processor answers, and the HTTP status of each (design, section 6). This file is bundled into every image, so it
 * imports nothing but the defaults beside it.
 */
export const PROCESSOR_ERROR_STATUS = {
  ERR_INPUTS: 400,
  ERR_REGISTRY_MISMATCH: 409,
  ERR_MISSING_SECRET: 424,
  ERR_IMAGE_DIGEST_MISSING: 500,
  ERR_OUTPUT_DUPLICATE: 500,
  ERR_RUNTIME: 500,
  ERR_PROVIDER: 502,
  ERR_BUSY: 503,
  ERR_TIMEOUT: 504,
} as const;
export type ProcessorErrorCode = keyof typeof PROCESSOR_ERROR_STATUS;

/** The statuses that ERR_INPUTS has besides 400: wrong media type, body too large. */
export const INPUTS_STATUS = { malformed: 400, mediaType: 415, tooLarge: 413 } as const;

/** The header by which a caller says which digest it expects to talk to. */
export const EXPECT_DIGEST_HEADER = 'x-pinlane-expect-digest';

/** The environment variables by which whoever starts a processor configures it. */
export const PROCESSOR_ENV = {
  /** The digest of the platform manifest that runs: sha256:… */
  imageDigest: 'IMAGE_DIGEST',
  /** The folder that every write_prefix must stay in; /artifacts if unset. */
  artifactsRoot: 'ARTIFACTS_ROOT',
  /** The port; build.port of registry.yaml if unset. */
  port: 'PORT',
  /** The environment's name in logs: local, pr, dev, staging, main. */
  environment: 'PINLANE_ENV',
  /** The path of the spec, for a processor that runs outside of an image; IMAGE_SPEC_PATH if unset. */
  spec: 'PINLANE_SPEC',
} as const;
export const DEFAULT_ARTIFACTS_ROOT = '/artifacts';

/** The path in an image of its projection of registry.yaml. */
export const IMAGE_SPEC_PATH = '/app/registry.yaml';

/** The largest body that /run and /run-stream take, in bytes; more is ERR_INPUTS with status 413. */
export const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** How many runs may be under way at once if runtime.concurrency is absent; one more is answered with ERR_BUSY. */
export const DEFAULT_CONCURRENCY = 8;

/** The events of /run-stream. `started` is the phase of the first progress event of every run. */
export const STREAM_EVENTS = { progress: 'progress', done: 'done', error: 'error' } as const;
