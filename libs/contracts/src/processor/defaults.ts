/**
 * What registry.yaml means if it says nothing: for its schema, and for a processor that reads it when it starts. This file holds constants
 * that are plain numbers, and no other statement, so that the bundler writes each number where it is used and its name into no image.
 */
export const DEFAULT_PORT = 8000;
export const DEFAULT_CPU = 1;
export const DEFAULT_MEMORY_GB = 2;
export const DEFAULT_TIMEOUT_S = 600;
