import { chmod, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import tar, { type Header } from 'tar-stream';
import { PinlaneError, platformOf, type Architecture, type Digest, type Platform, type Problem } from '@pinlane/contracts';
import {
  assembleImage,
  composeIndex,
  describe,
  OCI_CONFIG,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
  openStore,
  parseDockerfile,
  platformEntry,
  readBuildContext,
  readImage,
  sha256,
  type AssembledImage,
  type Descriptor,
  type ImageConfig,
  type Store,
} from '../../src/index.ts';

/** What a test puts into a folder: text, bytes, a link, or null for an empty folder. */
export type Files = Readonly<Record<string, string | Uint8Array | { readonly link: string } | { readonly text: string; readonly mode: number } | null>>;

export const writeFiles = async (folder: string, files: Files): Promise<void> => {
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path);
    if (content === null) {
      await mkdir(target, { recursive: true });
      continue;
    }
    await mkdir(dirname(target), { recursive: true });
    if (typeof content === 'string' || content instanceof Uint8Array) await writeFile(target, content);
    else if ('link' in content) await symlink(content.link, target);
    else {
      await writeFile(target, content.text);
      await chmod(target, content.mode);
    }
  }
};

export type TarItem = Partial<Header> & { readonly name: string; readonly content?: string | Uint8Array; readonly pax?: Readonly<Record<string, string>> };

// tar-stream's streams are not Node's own, and its types know nothing of their being iterable.
const collect = async (stream: unknown): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
};

/** A tar by another hand than ours. */
export const packTar = async (items: readonly TarItem[]): Promise<Buffer> => {
  const pack = tar.pack();
  for (const { content, ...header } of items) pack.entry({ ...header, mtime: header.mtime ?? new Date(0) } as Header, Buffer.from(content ?? ''));
  pack.finalize();
  return collect(pack);
};

export interface Unpacked extends Header {
  readonly content: string;
}

/** What is in a tar, read by another hand than ours. */
export const unpackTar = async (bytes: Uint8Array): Promise<Unpacked[]> => {
  const extract = tar.extract();
  const found: Unpacked[] = [];
  extract.end(bytes);
  for await (const entry of extract) found.push({ ...entry.header, content: (await collect(entry)).toString() });
  return found;
};

/** An image made of tars, the same for both platforms unless its config says otherwise; its index. */
export const putBase = async (
  store: Store,
  layers: readonly (readonly TarItem[])[],
  config: Readonly<Record<string, unknown>> = {},
  architectures: readonly Architecture[] = ['amd64', 'arm64'],
): Promise<Digest> => {
  const blobs: { descriptor: Descriptor; diffId: Digest }[] = [];
  for (const items of layers) {
    const bytes = await packTar(items);
    const blob = gzipSync(bytes);
    await store.writeBlob(blob);
    blobs.push({ descriptor: describe(OCI_LAYER_GZIP, blob), diffId: sha256(bytes) });
  }
  const children: Descriptor[] = [];
  for (const architecture of architectures) {
    const bytes = Buffer.from(JSON.stringify({ architecture, os: 'linux', config, rootfs: { type: 'layers', diff_ids: blobs.map(({ diffId }) => diffId) } }));
    await store.writeBlob(bytes);
    const manifest = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: describe(OCI_CONFIG, bytes), layers: blobs.map(({ descriptor }) => descriptor) }),
    );
    const descriptor = describe(OCI_MANIFEST, manifest);
    await store.putManifest(descriptor, manifest);
    children.push({ ...descriptor, platform: platformEntry(platformOf(architecture)) });
  }
  const index = composeIndex(children);
  await store.putManifest(index.descriptor, index.bytes);
  return index.descriptor.digest;
};

export interface BuildOptions {
  readonly platforms?: readonly Platform[];
  readonly bases?: Readonly<Record<string, Digest>>;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly overrides?: Readonly<Record<string, Uint8Array>>;
  readonly signal?: AbortSignal;
}

/** Builds a folder that has a Dockerfile. */
export const build = async (folder: string, store: Store, options: BuildOptions = {}): Promise<AssembledImage> => {
  const { platforms = ['linux/amd64', 'linux/arm64'], bases = {}, buildArgs = {}, labels = {}, target, overrides = {} } = options;
  const context = await readBuildContext(folder, { overrides });
  return assembleImage({
    context,
    dockerfile: parseDockerfile(context.dockerfile.text, 'Dockerfile'),
    target,
    platforms,
    buildArgs,
    labels,
    resolveBase: async (name) => {
      const digest = bases[name];
      if (digest === undefined) throw new Error(`the test has no base ${name}`);
      return { source: store, digest };
    },
    store,
    progress: () => undefined,
    signal: options.signal ?? new AbortController().signal,
  });
};

export interface BuiltView {
  readonly config: ImageConfig;
  /** Of each layer, in order. */
  readonly layers: readonly (readonly Unpacked[])[];
}

/** What came of a build for one platform. */
export const inspect = async (store: Store, image: AssembledImage, platform: Platform = 'linux/amd64'): Promise<BuiltView> => {
  const { platforms } = await readImage(store, image.index.digest, { platforms: [platform] });
  const { manifest, config } = platforms.find((each) => each.platform === platform)!;
  const layers = [];
  for (const { digest } of manifest.layers) layers.push(await unpackTar(gunzipSync(await store.readBlob(digest, 100_000_000))));
  return { config, layers };
};

/** Builds files and a Dockerfile in folders of their own and shows what came of it. */
export const buildFiles = async (
  folder: string,
  dockerfile: string,
  files: Files,
  options: BuildOptions & { readonly base?: readonly (readonly TarItem[])[]; readonly baseConfig?: Record<string, unknown> } = {},
) => {
  const store = openStore(join(folder, 'store'));
  const context = await mkdtemp(join(folder, 'context-'));
  await writeFiles(context, { Dockerfile: dockerfile, ...files });
  const base = options.base ? { base: await putBase(store, options.base, options.baseConfig) } : {};
  const image = await build(context, store, { ...options, bases: { ...base, ...options.bases } });
  return { store, context, image, ...(await inspect(store, image, options.platforms?.[0])) };
};

/** The problems that something is refused with. */
export const problemsOf = async (work: () => unknown): Promise<readonly Problem[]> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof PinlaneError) return error.problems;
    throw error;
  }
  return [];
};
