import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageRunConfig, Platform, RunnableImage } from '@pinlane/contracts';
import { describe, imageArchive, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, platformOfImage, readImage, sha256, type ContentSource } from '@pinlane/oci';

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
  const layers = files.map((file) => ({ mediaType: OCI_LAYER, digest: sha256(readFileSync(file)), size: statSync(file).size }));
  const [os, architecture] = platform.split('/');
  const configBytes = Buffer.from(JSON.stringify({ architecture, os, config, rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) } }));
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: describe(OCI_CONFIG, configBytes), layers }));
  const source: ContentSource = {
    readManifest: async () => ({ descriptor: describe(OCI_MANIFEST, manifest), bytes: manifest }),
    openBlob: async function* ({ digest }) {
      const at = layers.findIndex((layer) => layer.digest === digest);
      if (at === -1) yield configBytes;
      else yield* createReadStream(files[at] as string);
    },
  };
  const image = platformOfImage(await readImage(source, sha256(manifest)), platform);
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
