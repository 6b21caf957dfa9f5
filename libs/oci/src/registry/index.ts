export type { Credentials, CredentialSource } from './auth/credentials.ts';
export { dockerCredentials } from './auth/docker-config.ts';
export { isLoopback } from './endpoint.ts';
export * from './referrers/artifact.ts';
export { openRepository, type RegistryRepository, type RepositoryOptions } from './repository.ts';
export type { RetryPolicy } from './retry.ts';
export type { ChunkPolicy } from './upload/upload-blob.ts';
export { protectingTag, pushImage, type PushedImage, type PushedManifest, type PushOptions } from './push/push-image.ts';
export type { Slots } from './push/slots.ts';
