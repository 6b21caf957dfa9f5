export { buildBase } from './build.ts';
export { baseConfigSchema, baseDefinitionSchema, definitionDigest, parseDefinition, type BaseDefinition } from './lock/definition.ts';
export { ASSEMBLY_FORMAT, baseLockSchema, lockFingerprint, parseLock, type BaseLock, type LockedNode, type LockedPackage } from './lock/lock.ts';
export { knownBase, type KnownBase } from './known.ts';
export { readPinnable, withPublished, type PinnableBase } from './pin.ts';
export { reachSources } from './reach.ts';
export { updateBase } from './update.ts';
export * from './types.ts';
