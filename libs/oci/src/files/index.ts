export { writeFileAtomic } from './atomic-write.ts';
export { withLock, type LockPlace } from './lock.ts';
