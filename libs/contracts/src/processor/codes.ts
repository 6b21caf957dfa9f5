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

/** What whoever starts a processor tells it, and nothing else does. */
export const PROCESSOR_ENV = {
  /** The digest of the platform manifest that runs: sha256:… */
  imageDigest: 'IMAGE_DIGEST',
  /** The folder below which every write_prefix must stay; /artifacts where unset. */
  artifactsRoot: 'ARTIFACTS_ROOT',
  /** The port; build.port of registry.yaml where unset. */
  port: 'PORT',
  /** The environment's name in logs: local, pr, dev, staging, main. */
  environment: 'PINLANE_ENV',
  /** The file of the spec, for a processor that runs outside of an image; IMAGE_SPEC_PATH where unset. */
  spec: 'PINLANE_SPEC',
} as const;
export const DEFAULT_ARTIFACTS_ROOT = '/artifacts';

/** Where an image keeps its projection of registry.yaml. */
export const IMAGE_SPEC_PATH = '/app/registry.yaml';

/** The largest body that /run and /run-stream take, in bytes; more is ERR_INPUTS with status 413. */
export const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** How many runs at once where runtime.concurrency is absent; one more is ERR_BUSY. */
export const DEFAULT_CONCURRENCY = 8;

/** The events of /run-stream. `started` is the phase of the first progress event of every run. */
export const STREAM_EVENTS = { progress: 'progress', done: 'done', error: 'error' } as const;
