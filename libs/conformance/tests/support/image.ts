import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { pack } from 'tar-stream';
import { parseDigest, type Digest, type ProcessorSpec } from '@pinlane/contracts';
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, type ContentSource } from '@pinlane/oci';
import { SPEC } from './subject.ts';

const digestOf = (bytes: Uint8Array): Digest => parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);

/** The reference and all it imports as one file of JavaScript. The bundler runs as a program: jest's realm confuses its API. */
export const bundleReference = async (): Promise<string> => {
  // Started as a program by itself: its install puts the native binary in place of the script.
  const esbuild = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');
  const args = ['--bundle', '--platform=node', '--format=cjs', '--conditions=@pinlane/source', join(import.meta.dirname, 'main.ts')];
  const { stdout } = await promisify(execFile)(esbuild, args, { maxBuffer: 64 * 2 ** 20 });
  return stdout;
};

let nodeLayer: Promise<Buffer> | undefined;

/** A layer that holds this Node and the libraries it needs. */
const packNode = async (): Promise<Buffer> => {
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(/\/[^\s)]+/g) ?? [];
  const archive = pack();
  const packed = buffer(archive);
  for (const name of ['artifacts', 'dev', 'proc', 'tmp']) archive.entry({ name, type: 'directory', mode: 0o755 });
  archive.entry({ name: 'usr/bin/node', mode: 0o755 }, readFileSync(process.execPath));
  for (const library of libraries) archive.entry({ name: library.slice(1), mode: 0o755 }, readFileSync(library));
  archive.finalize();
  return packed;
};

/** An image in memory that runs a program with Node: its own where it must run isolated, else this machine's. */
export const imageOf = async (
  program: string,
  breaks: string | null,
  { withNode = false, about = SPEC, user = '1000:1000' }: { readonly withNode?: boolean; readonly about?: ProcessorSpec; readonly user?: string } = {},
): Promise<{ readonly source: ContentSource; readonly digest: Digest }> => {
  const { image: _, ...spec } = about;
  const archive = pack();
  archive.entry({ name: 'app/main.cjs' }, program);
  archive.entry({ name: 'app/registry.yaml' }, JSON.stringify(spec));
  archive.finalize();
  const layers = [...(withNode ? [await (nodeLayer ??= packNode())] : []), await buffer(archive)];
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Entrypoint: ['node', '/app/main.cjs'], WorkingDir: '/app', User: user, Env: breaks === null ? [] : [`BREAKS=${breaks}`] },
      rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
    }),
  );
  const describe = (mediaType: string, bytes: Uint8Array) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: describe(OCI_CONFIG, config),
      layers: layers.map((layer) => describe(OCI_LAYER, layer)),
    }),
  );
  const blobs = new Map([config, ...layers].map((bytes) => [digestOf(bytes), bytes]));
  const source: ContentSource = {
    readManifest: async () => ({ descriptor: describe(OCI_MANIFEST, manifest), bytes: manifest }),
    openBlob: async function* ({ digest }) {
      yield blobs.get(digest) as Uint8Array;
    },
  };
  return { source, digest: digestOf(manifest) };
};
