import { execFile } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { openStore, sha256, type ImageConfig, type ImageExecution } from '../../src/index.ts';
import { build, inspect, unpackTar, writeFiles, type BuiltView, type Files, type Unpacked } from './building.ts';

const run = promisify(execFile);

/** What is at a path of an image, in one line; links to one file are told by its content. */
export type Tree = Readonly<Record<string, string>>;

export interface Outcome {
  readonly tree: Tree;
  readonly config: ImageExecution;
}

const clean = (name: string): string =>
  name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');

/** The files of an image, of which no layer takes anything away. */
const treeOf = (layers: readonly (readonly Unpacked[])[]): Tree => {
  const tree: Record<string, string> = {};
  for (const { name, type, mode, uid, gid, linkname, content } of layers.flat()) {
    const path = clean(name);
    if (path === '') continue;
    const owned = `${type} ${mode!.toString(8)} ${uid}:${gid}`;
    if (type === 'link') tree[path] = tree[clean(linkname!)]!;
    else if (type === 'symlink') tree[path] = `symlink ${uid}:${gid} -> ${linkname}`;
    else tree[path] = type === 'file' ? `${owned} ${sha256(content)}` : owned;
  }
  return Object.fromEntries(Object.entries(tree).sort(([a], [b]) => (a < b ? -1 : 1)));
};

const sorted = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([, each]) => each !== null && each !== undefined)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, each]) => [key, sorted(each)]),
      )
    : value;

const outcomeOf = ({ layers, config }: BuiltView): Outcome => {
  // An old field of Docker's that only says that the exec form was meant.
  const { ArgsEscaped: _, ...execution } = config.config ?? {};
  return { tree: treeOf(layers), config: sorted(execution) as ImageExecution };
};

const readArchive = async (file: string): Promise<BuiltView> => {
  const blobs = new Map((await unpackBytes(file)).map(({ name, bytes }) => [name, bytes]));
  const json = (name: string) => JSON.parse(blobs.get(name)!.toString('utf8')) as Record<string, unknown>;
  const blob = ({ digest }: { digest: string }) => `blobs/${digest.replace(':', '/')}`;
  const [top] = (json('index.json') as { manifests: { digest: string }[] }).manifests;
  const manifest = json(blob(top!)) as { config: { digest: string }; layers: { digest: string }[] | null };
  const layers = await Promise.all((manifest.layers ?? []).map((layer) => unpackTar(gunzipSync(blobs.get(blob(layer))!))));
  return { config: json(blob(manifest.config)) as unknown as ImageConfig, layers };
};

/** The members of a tar file, by another hand than ours. */
const unpackBytes = async (file: string): Promise<{ readonly name: string; readonly bytes: Buffer }[]> => {
  const { extract } = (await import('tar-stream')).default;
  const reader = extract();
  const found: { name: string; bytes: Buffer }[] = [];
  reader.end(await readFile(file));
  for await (const entry of reader) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk);
    found.push({ name: entry.header.name, bytes: Buffer.concat(chunks) });
  }
  return found;
};

export interface Case {
  readonly dockerfile: string;
  readonly files: Files;
  readonly buildArgs?: Readonly<Record<string, string>>;
  readonly target?: string;
}

/** What became of a build: the image, or why there is none. */
export type Attempt = { readonly built: Outcome } | { readonly refused: string };

const attempt = async (work: () => Promise<BuiltView>): Promise<Attempt> => {
  try {
    return { built: outcomeOf(await work()) };
  } catch (error) {
    return { refused: `${(error as Error).message}\n${(error as { stderr?: string }).stderr ?? ''}` };
  }
};

/** Builds a folder with BuildKit and with the assembler. */
export const buildWithBoth = async (folder: string, { dockerfile, files, buildArgs = {}, target }: Case): Promise<{ buildkit: Attempt; embedded: Attempt }> => {
  const context = await mkdtemp(join(folder, 'context-'));
  await writeFiles(context, { ...files, Dockerfile: dockerfile });
  const archive = `${context}.tar`;
  const args = [
    ...['buildx', 'build', '--provenance=false', '--platform=linux/amd64', '--progress=plain', `--output=type=oci,rewrite-timestamp=true,dest=${archive}`],
    ...Object.entries(buildArgs).map(([name, value]) => `--build-arg=${name}=${value}`),
    ...(target === undefined ? [] : [`--target=${target}`]),
    context,
  ];
  const store = openStore(join(folder, 'store'));
  const [buildkit, embedded] = await Promise.all([
    attempt(async () => {
      await run('docker', args, { maxBuffer: 1 << 26 });
      return readArchive(archive);
    }),
    attempt(async () => inspect(store, await build(context, store, { platforms: ['linux/amd64'], buildArgs, ...(target === undefined ? {} : { target }) }))),
  ]);
  return { buildkit, embedded };
};
