export type { Collected, CollectOptions } from './collect.ts';
export { openStore, type Store, type StoreOptions } from './store.ts';
export type { Referrer } from './referrers.ts';
export type { HashedFiles } from './blobs.ts';
export type { AnyDigest } from './digests.ts';
export type { Reach } from './elsewhere.ts';
