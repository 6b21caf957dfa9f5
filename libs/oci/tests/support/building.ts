import { chmod, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import tar, { type Header } from 'tar-stream';
import type { Architecture, Digest, Platform } from '@pinlane/contracts';
import { drain, imageOf, layerOf, platformImage, putImage } from '@pinlane/testing';
import { assembleImage, openStore, parseDockerfile, readBuildContext, readImage, type AssembledImage, type ImageConfig, type Store } from '../../src/index.ts';

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

// tar-stream's streams are not Node's own, and its types don't tell that they are iterable.
const collect = (stream: unknown): Promise<Buffer> => drain(stream as AsyncIterable<Uint8Array>);

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

/** Puts an image made of tars, the same for each platform. @returns the digest of its index */
export const putBase = async (
  store: Store,
  layers: readonly (readonly TarItem[])[],
  config: Readonly<Record<string, unknown>> = {},
  architectures: readonly Architecture[] = ['amd64', 'arm64'],
): Promise<Digest> => {
  const tars = await Promise.all(layers.map(packTar));
  const image = imageOf(
    architectures.map((architecture) =>
      platformImage(
        architecture,
        tars.map((bytes) => layerOf(bytes, { gzip: true })),
        config,
      ),
    ),
  );
  await putImage(store, image);
  return image.index.descriptor.digest;
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
