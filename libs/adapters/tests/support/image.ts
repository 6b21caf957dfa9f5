import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { architectureOf, type ImageRunConfig, type Platform, type RunnableImage } from '@pinlane/contracts';
import { imageArchive, platformOfImage, readImage, sha256 } from '@pinlane/oci';
import { layerOf, platformImage, sourceOf } from '@pinlane/testing';

/** A name that no other run of these tests uses. */
export const uniqueName = (): string => `test-${randomBytes(5).toString('hex')}`;

export const OWN_PLATFORM: Platform = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';

const tar = (rootfs: string, file: string, ...names: string[]): string => {
  const fixed = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=ustar'];
  try {
    execFileSync('tar', ['-C', rootfs, ...fixed, '-cf', join(rootfs, '..', file), ...names], { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C' } });
  } catch (error) {
    // Node's program is a link: each one that other tests make or remove meanwhile changes a time of it, and nothing that goes into the tar.
    if (!/^(?:tar: [^\n]*: file changed as we read it\n)+$/.test(String((error as { stderr?: Buffer }).stderr))) throw error;
  }
  return join(rootfs, '..', file);
};

/** What a test says of an image besides its root file system. */
export interface ImageFacts {
  readonly name: string;
  readonly config: ImageRunConfig;
  readonly platform?: Platform;
}

/** A root file system as an image for a runtime that takes it unpacked. */
export const unpackedImage = async (rootfs: string, { name, config, platform = OWN_PLATFORM }: ImageFacts): Promise<RunnableImage> => ({
  name,
  platform,
  digest: sha256('manifest'),
  configDigest: sha256('config'),
  config,
  rootfs: async () => rootfs,
  archive: () => {
    throw new Error('this image is not archived');
  },
});

/** A root file system as an image of two layers: what all of these file systems have in common, and the program. */
export const archivedImage = async (rootfs: string, { name, config, platform = OWN_PLATFORM }: ImageFacts): Promise<RunnableImage> => {
  const files = [tar(rootfs, 'base.tar', '--exclude=./app', '.'), tar(rootfs, 'app.tar', './app')];
  const made = platformImage(
    architectureOf(platform),
    files.map((file) => layerOf(readFileSync(file))),
    { ...config },
  );
  const source = sourceOf({ platforms: [made] });
  const image = platformOfImage(await readImage(source, made.descriptor.digest), platform);
  return {
    name,
    platform,
    digest: image.descriptor.digest,
    configDigest: image.manifest.config.digest,
    config,
    rootfs: async () => rootfs,
    archive: (as) => imageArchive(source, image, as),
  };
};

/** Removes every image that Docker keeps under a test's name. */
export const removeImages = (name: string): void => {
  const list = execFileSync('docker', ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', `pinlane.localhost/accept/${name}`], { encoding: 'utf8' });
  const tags = list.split('\n').filter(Boolean);
  if (tags.length > 0) execFileSync('docker', ['image', 'rm', '--force', ...tags], { stdio: 'ignore' });
};
