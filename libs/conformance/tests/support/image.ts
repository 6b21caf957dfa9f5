import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { pack } from 'tar-stream';
import { parseDigest, type Digest } from '@pinlane/contracts';
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

/** An image of one small layer, in memory, that runs a program with Node. */
export const imageOf = async (program: string, breaks: string | null): Promise<{ readonly source: ContentSource; readonly digest: Digest }> => {
  const { image: _, ...spec } = SPEC;
  const archive = pack();
  archive.entry({ name: 'app/main.cjs' }, program);
  archive.entry({ name: 'app/registry.yaml' }, JSON.stringify(spec));
  archive.finalize();
  const layer = await buffer(archive);
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Entrypoint: ['node', '/app/main.cjs'], WorkingDir: '/app', User: '1000:1000', Env: breaks === null ? [] : [`BREAKS=${breaks}`] },
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    }),
  );
  const describe = (mediaType: string, bytes: Uint8Array) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const manifest = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: describe(OCI_CONFIG, config), layers: [describe(OCI_LAYER, layer)] }),
  );
  const blobs = new Map([config, layer].map((bytes) => [digestOf(bytes), bytes]));
  const source: ContentSource = {
    readManifest: async () => ({ descriptor: describe(OCI_MANIFEST, manifest), bytes: manifest }),
    openBlob: async function* ({ digest }) {
      yield blobs.get(digest) as Uint8Array;
    },
  };
  return { source, digest: digestOf(manifest) };
};
