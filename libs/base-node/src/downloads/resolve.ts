import { join } from 'node:path';
import { ARCHITECTURES, type Architecture } from '@pinlane/contracts';
import { forEachArchitecture } from '../architectures.ts';
import { definitionDigest, type BaseDefinition } from '../lock/definition.ts';
import { formatLock, nodePackageName, parseLock, type BaseLock, type LockedNode, type LockedPackage } from '../lock/lock.ts';
import { identifyNode, resolveNode } from '../node/npm.ts';
import { together } from '../together.ts';
import { openRelease, type DownloadInput } from './obtain.ts';

const lockNode = async (architecture: Architecture, version: string, known: LockedNode | undefined, input: DownloadInput): Promise<LockedNode> => {
  // npm never changes the bytes of a version, so a known hash stays right.
  if (known?.version === version) return known;
  const { file, size, digest } = await identifyNode(architecture, version, join(input.work, `npm-${architecture}`), input);
  const locked = { name: nodePackageName(architecture), version, size, digest };
  await input.cache.adopt(file, locked, input.signal);
  return locked;
};

/**
 * Resolves a definition into a lock: apt chooses the packages, and has their hashes from lists that Debian signed; npm chooses Node.
 * @param known the lock before, if there is one
 * @throws ERR_BASE_UNAVAILABLE
 */
export const resolveLock = async (definition: BaseDefinition, known: BaseLock | null, input: DownloadInput): Promise<BaseLock> => {
  const packages = new Map<Architecture, LockedPackage[]>();
  const nodes = new Map<Architecture, LockedNode>();
  await together(input.signal, [
    ...ARCHITECTURES.map((architecture) => async (signal: AbortSignal) => {
      const apt = await openRelease({ ...input, signal }, architecture);
      packages.set(architecture, await apt.resolve(definition.packages, definition.without));
    }),
    async (signal) => {
      const version = await resolveNode(definition.node, { ...input, signal });
      const lockOne = (architecture: Architecture) => async (inner: AbortSignal) => {
        nodes.set(architecture, await lockNode(architecture, version, known?.platforms[architecture].node, { ...input, signal: inner }));
      };
      await together(signal, ARCHITECTURES.map(lockOne));
    },
  ]);
  const platforms = forEachArchitecture((architecture) => ({ packages: packages.get(architecture)!, node: nodes.get(architecture)! }));
  const { release, config } = definition;
  const lock: BaseLock = { kind: 'BaseLock', schemaVersion: 1, definition: definitionDigest(definition), release, config, platforms };
  // What was resolved has to pass the same checks as what was committed.
  return parseLock(formatLock(lock));
};
