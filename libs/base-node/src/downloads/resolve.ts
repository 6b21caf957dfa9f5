import { join } from 'node:path';
import { ARCHITECTURES, type Architecture } from '@pinlane/contracts';
import { definitionDigest, type BaseDefinition } from '../lock/definition.ts';
import { nodePackageName, parseLock, formatLock, type BaseLock, type LockedNode } from '../lock/lock.ts';
import { identifyNode, resolveNode } from '../node/npm.ts';
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
  const node = resolveNode(definition.node, site);
  const [amd64, arm64] = await Promise.all(
    ARCHITECTURES.map(async (architecture) => {
      const [packages, locked] = await Promise.all([
        openRelease(site, architecture).then((apt) => apt.resolve(definition.packages, definition.without)),
        node.then((version) => lockNode(architecture, version, known?.platforms[architecture].node, site)),
      ]);
      return { packages, node: locked };
    }),
  );
  const { release, config } = definition;
  const lock = { kind: 'BaseLock', schemaVersion: 1, definition: definitionDigest(definition), release, config, platforms: { amd64, arm64 } } as BaseLock;
  // What was resolved has to pass the same checks as what was committed.
  return parseLock(formatLock(lock));
};
