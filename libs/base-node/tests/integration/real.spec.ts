import { existsSync } from 'node:fs';
import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ARCHITECTURES, digestHex, platformOf } from '@pinlane/contracts';
import { openStore, verifyImage } from '@pinlane/oci';
import { buildBase, lockFingerprint, parseLock } from '@pinlane/base-node';
import { isRequired, requirement, temporaryFolder } from '@pinlane/testing';
import { lackOfApt } from '../support/parts.ts';

const baseDir = join(import.meta.dirname, '../..');
const downloads = join(baseDir, '../../.pinlane/cache/base/sha256');
const lock = parseLock(await readFile(join(baseDir, 'base.lock.json'), 'utf8'));
const wanted = ARCHITECTURES.flatMap((architecture) => [...lock.platforms[architecture].packages, lock.platforms[architecture].node]);
const isDownloaded = wanted.every(({ digest }) => existsSync(join(downloads, digestHex(digest))));

/** Hundreds of megabytes: only where they are here already, or where it is asked for. */
const describeReal = requirement('base', lackOfApt ?? (isDownloaded || isRequired('base') ? null : 'its packages have not been downloaded'), describe);

describeReal('the base of the committed lock', () => {
  it('is assembled for both platforms and is what the lock says', async () => {
    const root = temporaryFolder('real-base');
    const own = join(root, '.pinlane/cache/base/sha256');
    await mkdir(own, { recursive: true });
    if (isDownloaded) for (const { digest } of wanted) await cp(join(downloads, digestHex(digest)), join(own, digestHex(digest)));
    const store = openStore(join(root, '.pinlane/store'));
    const image = await buildBase({
      root,
      name: 'base-node',
      baseDir,
      store,
      env: process.env,
      progress: () => undefined,
      signal: new AbortController().signal,
    });
    expect(image.fingerprint).toBe(lockFingerprint(lock));
    const { platforms } = await verifyImage(store, image.index, { platforms: ARCHITECTURES.map(platformOf), blobs: 'hashed' });
    for (const { platform, config, manifest } of platforms) {
      const { node, packages } = lock.platforms[platform === 'linux/amd64' ? 'amd64' : 'arm64'];
      expect(manifest.layers).toHaveLength(2);
      expect(config.config?.Labels?.['dev.pinlane.base.node']).toBe(node.version);
      expect(config.config?.Labels?.['dev.pinlane.base.packages']?.split(' ')).toHaveLength(packages.length);
      expect(config.config?.Env).toContain('PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
    }
  }, 180_000);
});
