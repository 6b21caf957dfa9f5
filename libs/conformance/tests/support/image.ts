import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { pack } from 'tar-stream';
import { architectureOfMachine, type ProcessorSpec } from '@pinlane/contracts';
import { layerOf, platformImage, type PlatformImage } from '@pinlane/testing';
import { SPEC } from './subject.ts';

/** The reference and everything it imports, as one file of JavaScript. The bundler runs as a program, because its API does not work in Jest's realm. */
export const bundleReference = async (): Promise<string> => {
  // It is not started with Node, because the installation of esbuild replaces the script by the native binary.
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

/** An image that runs a program with Node: with a Node of its own, which it needs when it runs isolated, or with this machine's. */
export const imageOf = async (
  program: string,
  breaks: string | null,
  { withNode = false, about = SPEC, user = '1000:1000' }: { readonly withNode?: boolean; readonly about?: ProcessorSpec; readonly user?: string } = {},
): Promise<PlatformImage> => {
  const { image: _, ...spec } = about;
  const archive = pack();
  archive.entry({ name: 'app/main.cjs' }, program);
  archive.entry({ name: 'app/registry.yaml' }, JSON.stringify(spec));
  archive.finalize();
  const tars = [...(withNode ? [await (nodeLayer ??= packNode())] : []), await buffer(archive)];
  const config = { Entrypoint: ['node', '/app/main.cjs'], WorkingDir: '/app', User: user, Env: breaks === null ? [] : [`BREAKS=${breaks}`] };
  const layers = tars.map((tar) => layerOf(tar));
  return platformImage(architectureOfMachine(process.arch), layers, config);
};
