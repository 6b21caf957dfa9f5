export { aboutFile } from './about-file.ts';
export { replaceAtOnce, writeFileAtomic, type ReplaceOptions } from './atomic-write.ts';
export { lstatIfThere, statIfThere } from './if-there.ts';
export { readSmallFile, type SmallFile } from './small-file.ts';
export { makeFolder } from './make-folder.ts';
export { isLeftTemporary } from './whole-file.ts';
export { withLock, type LockPlace } from './lock.ts';
export { holderSchema, isGone, newHolder, type Holder } from './holder.ts';
