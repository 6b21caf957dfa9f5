/**
 * The defaults of registry.yaml, for its schema and for a processor that reads it when it starts. They are plain numbers and this file holds nothing
 * else, so that the bundler writes each number in the place where it is used.
 */
export const DEFAULT_PORT = 8000;
export const DEFAULT_CPU = 1;
export const DEFAULT_MEMORY_GB = 2;
export const DEFAULT_TIMEOUT_S = 600;
