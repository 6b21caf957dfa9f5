import { join } from 'node:path';
import { parseRepository, type Digest, type PinnedReference, type Platform, type Repository } from '@pinlane/contracts';
import { makeImage, putImage, type SeenRequest, type TestImage, type TestRegistry } from '@pinlane/testing';
import { openRepository, openStore, type RegistryRepository, type RepositoryOptions, type Store } from '../../src/index.ts';

/** Opens a repository of a test registry, without logins and without waiting between attempts. */
export const opened = (repository: Repository, options: RepositoryOptions = {}): RegistryRepository =>
  openRepository(repository, { auth: async () => undefined, ...options, retry: { sleep: async () => undefined, random: () => 0, ...options.retry } });

export const repositoryIn = ({ host }: { readonly host: string }, path: string): Repository => parseRepository(`${host}/${path}`);

/** A store that reaches registries, and the lines that it tells. */
export const reachingStore = (folder: string, options: RepositoryOptions = {}): { readonly store: Store; readonly lines: string[] } => {
  const lines: string[] = [];
  const reach = { open: (repository: Repository) => opened(repository, options), progress: (line: string) => void lines.push(line) };
  return { store: openStore(join(folder, 'store'), { reach }), lines };
};

/** What was asked of a registry about blobs: `GET <digest>`. */
export const blobRequests = ({ requests }: { readonly requests: readonly SeenRequest[] }, method: string): string[] =>
  requests.flatMap((request) => (request.method === method ? (/\/blobs\/(sha256:[0-9a-f]{64})$/.exec(request.url)?.[1] ?? []) : []));

export interface LeftImage {
  readonly image: TestImage;
  readonly root: Digest;
  /** As a part of which the store knows the layers. */
  readonly known: PinnedReference;
  readonly layers: readonly { readonly digest: Digest; readonly size: number; readonly bytes: Uint8Array }[];
}

/** Puts an image into a registry, and all of it but its layers into a store, which notes where those are. */
export const leaveLayers = async (store: Store, registry: TestRegistry, path: string, image = makeImage()): Promise<LeftImage> => {
  const repository = repositoryIn(registry, path);
  await putImage(opened(repository), image);
  const root = image.index.descriptor.digest;
  const known = { ...repository, digest: root };
  const layers = image.platforms.flatMap((platform) => platform.layers).map(({ descriptor, bytes }) => ({ ...descriptor, bytes }));
  await store.noteOrigin(known, layers);
  for (const { config } of image.platforms) await store.writeBlob(config.bytes);
  for (const { descriptor, bytes } of [...image.platforms, image.index]) await store.putManifest(descriptor, bytes);
  registry.requests.length = 0;
  return { image, root, known, layers };
};

export const AMD64: Platform = 'linux/amd64';
