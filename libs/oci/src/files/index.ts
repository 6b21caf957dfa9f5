export { aboutFile } from './about-file.ts';
export { writeFileAtomic } from './atomic-write.ts';
export { makeFolder } from './make-folder.ts';
export { isLeftTemporary } from './whole-file.ts';
export { withLock, type LockPlace } from './lock.ts';
export { holderSchema, isGone, newHolder, type Holder } from './holder.ts';
