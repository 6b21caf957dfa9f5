import { join } from 'node:path';
import { ARCHITECTURES, type Architecture } from '@pinlane/contracts';
import { definitionDigest, type BaseDefinition } from '../lock/definition.ts';
import { formatLock, nodePackageName, parseLock, type BaseLock, type LockedNode, type LockedPackage } from '../lock/lock.ts';
import { identifyNode, resolveNode } from '../node/npm.ts';
import { together } from '../together.ts';
import { openRelease, type Site } from './obtain.ts';

const lockNode = async (architecture: Architecture, version: string, known: LockedNode | undefined, site: Site): Promise<LockedNode> => {
  // npm never changes the bytes of a version, so a hash that is known need not be found out again.
  if (known?.version === version) return known;
  const { file, size, digest } = await identifyNode(architecture, version, join(site.work, `npm-${architecture}`), site);
  const locked = { name: nodePackageName(architecture), version, size, digest };
  await site.cache.adopt(file, locked);
  return locked;
};

/**
 * Resolves a definition into a lock: apt chooses the packages and says their hashes, signed by Debian; npm chooses Node.
 * @param known the lock until now, if there is one
 * @throws ERR_BASE_UNAVAILABLE
 */
export const resolveLock = async (definition: BaseDefinition, known: BaseLock | null, site: Site): Promise<BaseLock> => {
  const packages = new Map<Architecture, LockedPackage[]>();
  const nodes = new Map<Architecture, LockedNode>();
  await together(site.signal, [
    ...ARCHITECTURES.map((architecture) => async (signal: AbortSignal) => {
      const apt = await openRelease({ ...site, signal }, architecture);
      packages.set(architecture, await apt.resolve(definition.packages, definition.without));
    }),
    async (signal) => {
      const version = await resolveNode(definition.node, { ...site, signal });
      const lockOne = (architecture: Architecture) => async (inner: AbortSignal) => {
        nodes.set(architecture, await lockNode(architecture, version, known?.platforms[architecture].node, { ...site, signal: inner }));
      };
      await together(signal, ARCHITECTURES.map(lockOne));
    },
  ]);
  const platforms = Object.fromEntries(
    ARCHITECTURES.map((architecture) => [architecture, { packages: packages.get(architecture), node: nodes.get(architecture) }]),
  );
  const { release, config } = definition;
  const lock = { kind: 'BaseLock', schemaVersion: 1, definition: definitionDigest(definition), release, config, platforms } as BaseLock;
  // What was resolved has to pass the same checks as what was committed.
  return parseLock(formatLock(lock));
};
