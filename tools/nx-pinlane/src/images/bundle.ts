import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fail, leadsOut, PinlaneError, type Problem } from '@pinlane/contracts';
import { writeFileAtomic } from '@pinlane/oci';
import type { BuildFailure, Message, OutputFile, Plugin } from 'esbuild';
import type { VerbContext } from '../command/context.ts';
import { workspacePaths } from '../workspace/paths.ts';

const asProblem = ({ text, location, notes }: Message): Problem => ({
  code: 'ERR_BUNDLE_FAILED',
  message: [text, ...notes.map((note) => note.text)].join(' '),
  ...(location ? { file: location.file, line: location.line, column: location.column + 1 } : {}),
});

const isBuildFailure = (thrown: unknown): thrown is BuildFailure => Array.isArray((thrown as BuildFailure | null)?.errors);

const below = (folder: string, path: string, option: string): string => {
  const full = join(folder, path);
  const inside = relative(folder, full);
  return inside === '' || leadsOut(inside) ? fail('ERR_PATH_ESCAPES', `--${option}=${path} is not a file below ${folder}`) : full;
};

/** The entry by a name of ours: esbuild takes a path with an asterisk for a pattern. */
const entryPlugin = (path: string): Plugin => ({
  name: 'entry',
  setup: ({ onResolve }) => onResolve({ filter: /^pinlane:entry$/ }, () => ({ path })),
});

const bundled = async (root: string, entry: string, output: string, sourcemap: boolean): Promise<readonly OutputFile[]> => {
  const { build } = await import('esbuild');
  try {
    const result = await build({
      absWorkingDir: root,
      entryPoints: ['pinlane:entry'],
      plugins: [entryPlugin(entry)],
      outfile: output,
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      loader: { '.wasm': 'binary' },
      minifySyntax: true,
      minifyWhitespace: true,
      legalComments: 'none',
      sourcemap,
      // CommonJS packages in the bundle still ask for Node's own modules with require().
      banner: { js: "import{createRequire as pinlaneRequire}from'node:module';const require=pinlaneRequire(import.meta.url);" },
      logLevel: 'silent',
    });
    return result.outputFiles;
  } catch (thrown) {
    if (!isBuildFailure(thrown) || thrown.errors.length === 0) throw thrown;
    throw new PinlaneError(thrown.errors.map(asProblem) as [Problem, ...Problem[]]);
  }
};

/** The entry, the bundle's path, and whether it has a map. */
export interface BundleOptions {
  readonly entry: string;
  readonly output: string;
  readonly sourcemap: boolean;
}

/** A bundle that is there already stays untouched; another one is prepared outside of the build context, where no image and no fingerprint finds it. */
const replaceIfOther = async (path: string, contents: Uint8Array, temporaryFolder: string): Promise<void> => {
  const before = await readFile(path).catch(() => undefined);
  if (before === undefined || Buffer.compare(before, contents) !== 0) await writeFileAtomic(path, contents, { temporaryFolder });
};

/**
 * Bundles a processor into one file. The bundle depends on the sources alone: paths in it are relative to the workspace, so that
 * the same source gives the same bytes in any folder.
 * @returns the files it wrote, relative to the workspace's root, and their sizes in bytes
 * @throws ERR_BUNDLE_FAILED with every error and its place, ERR_PATH_ESCAPES
 */
export const writeBundle = async (options: BundleOptions, { root, projectRoot, progress }: VerbContext): Promise<{ path: string; size: number }[]> => {
  const folder = join(root, projectRoot);
  const entry = below(folder, options.entry, 'entry');
  const output = below(folder, options.output, 'output');
  if (!existsSync(entry)) fail('ERR_BUNDLE_FAILED', 'the entry file does not exist', { file: relative(root, entry) });
  progress(`bundling ${options.entry}`);
  const files = await bundled(root, entry, output, options.sourcemap);
  const { temporary } = workspacePaths(root, 'local');
  // The map of an earlier bundle would become part of the image.
  if (!options.sourcemap) await rm(`${output}.map`, { force: true });
  for (const { path, contents } of files) await replaceIfOther(path, contents, temporary);
  return files.map(({ path, contents }) => ({ path: relative(root, path), size: contents.length }));
};
