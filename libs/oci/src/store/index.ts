export type { Collected, CollectOptions } from './collect.ts';
export { openStore, type Store, type StoreOptions } from './store.ts';
export { withLock, type LockPlace } from './lock.ts';
