import { existsSync, realpathSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fail, laneRules, leadsOut, type Lane } from '@pinlane/contracts';
import { laneOf } from '@pinlane/pipeline';
import { replaceAtOnce } from '@pinlane/oci';
import type { VerbContext } from '../command/context.ts';
import { BUNDLER, namedEntries } from '../workspace/bundler.ts';
import { copiesIn, ledToOne } from './bundle-copies.ts';
import { withPortableNames } from './bundle-names.ts';
import { bundleError } from './bundle-problems.ts';
import { recordBundle, sameBundle, type Bundled } from './bundle-record.ts';
import { workspacePaths } from '../workspace/paths.ts';
import { openWitness, type Witness } from '../workspace/witness.ts';

const below = (folder: string, path: string, option: string): string => {
  const full = join(folder, path);
  const inside = relative(folder, full);
  return inside === '' || leadsOut(inside) ? fail('ERR_PATH_ESCAPES', `--${option}=${path} is not a file below ${folder}`) : full;
};

const bundled = async (root: string, entry: string, output: string, sourcemap: boolean): Promise<Pick<Bundled, 'inputs' | 'outputs'>> => {
  const { names, plugin } = namedEntries([entry]);
  try {
    const { build } = await import('esbuild');
    const options = {
      ...BUNDLER,
      absWorkingDir: root,
      entryPoints: names,
      outfile: output,
      minifySyntax: true,
      minifyWhitespace: true,
      legalComments: 'none',
      sourcemap,
      metafile: true,
      // CommonJS packages in the bundle still ask for Node's own modules with require().
      banner: { js: "import{createRequire as pinlaneRequire}from'node:module';const require=pinlaneRequire(import.meta.url);" },
    } as const;
    const first = await build({ ...options, plugins: [plugin] });
    const copies = copiesIn(root, first.metafile.inputs);
    // Few workspaces have a package twice, so that it is bundled once more only in those.
    const { outputFiles, metafile } = copies.size === 0 ? first : await build({ ...options, plugins: [plugin, ledToOne(root, first.metafile.inputs, copies)] });
    const [text, map] = [output, `${output}.map`].map((file) => outputFiles.find(({ path }) => path === file)?.text);
    const toRoot = `${relative(dirname(output), root).split(sep).join('/')}/`;
    const named = withPortableNames({ text: text ?? '', map }, new Set(Object.keys(metafile.inputs)), toRoot);
    const outputs = outputFiles.map(({ path }) => ({ path, contents: Buffer.from((path === output ? named.text : named.map) ?? '') }));
    // What is in brackets is the bundler's own. Another copy may be another one by the next time.
    return { inputs: Object.keys(first.metafile.inputs).filter((path) => !/^[<(]/.test(path)), outputs };
  } catch (thrown) {
    throw bundleError(thrown, root);
  }
};

/** The entry, the bundle's path, and whether it has a map. */
export interface BundleOptions {
  readonly entry: string;
  readonly output: string;
  readonly sourcemap: boolean;
  /** The lane, if it is not the one of the environment: one that builds fresh bundles in any case. */
  readonly lane?: Lane | undefined;
}

/** A lane that builds fresh believes nothing of an earlier run, and leaves nothing that another lane believes. */
const keepsRecords = ({ lane }: BundleOptions, env: VerbContext['env']): boolean => !laneRules(laneOf(lane, env['PINLANE_LANE']) ?? 'local').fresh;

/** A bundle that is there already stays untouched; another one is prepared outside of the build context, where no image and no fingerprint finds it. */
const replaceIfOther = async (path: string, contents: Uint8Array, temporaryFolder: string): Promise<void> => {
  const before = existsSync(path) ? await readFile(path).catch(() => undefined) : undefined;
  // What a power cut leaves of it is not what its record says, and is bundled anew.
  if (before === undefined || Buffer.compare(before, contents) !== 0) replaceAtOnce(path, contents, { temporaryFolder });
};

/**
 * Bundles a processor into one file. The bundle depends on the sources alone: paths in it are relative to the workspace, so that
 * the same source gives the same bytes in any folder. Nothing is bundled if nothing that the last bundle was made of has changed.
 * @returns the files it wrote, relative to the workspace's root, and their sizes in bytes
 * @throws ERR_BUNDLE_FAILED with every error and its place, ERR_PATH_ESCAPES
 */
export const writeBundle = async (
  options: BundleOptions,
  { root: given, project, projectRoot, env, progress, once }: VerbContext,
): Promise<{ path: string; size: number }[]> => {
  // The bundler names files by where they really are.
  const root = realpathSync.native(given);
  const folder = join(root, projectRoot);
  const entry = below(folder, options.entry, 'entry');
  const output = below(folder, options.output, 'output');
  if (!existsSync(entry)) fail('ERR_BUNDLE_FAILED', 'the entry file does not exist', { file: relative(root, entry) });
  const { temporary, bundle } = workspacePaths(root, 'local');
  const record = bundle(project);
  const wanted = JSON.stringify([relative(root, entry), relative(root, output), options.sourcemap]);
  // The map of an earlier bundle would become part of the image.
  const removeMap = async (): Promise<void> => (options.sourcemap || !existsSync(`${output}.map`) ? undefined : rm(`${output}.map`, { force: true }));
  const records = keepsRecords(options, env);
  // The tasks of one process begin when everything before them is done, so that one look at what they share is enough.
  const witness = (): Witness => once(`witness of ${root}`, () => openWitness(root));
  const same = records ? sameBundle(record, root, wanted, witness) : null;
  if (same !== null) {
    await removeMap();
    return same;
  }
  progress(`bundling ${options.entry}`);
  const since = Date.now();
  const { inputs, outputs } = await bundled(root, entry, output, options.sourcemap);
  await removeMap();
  for (const { path, contents } of outputs) await replaceIfOther(path, contents, temporary);
  if (records) await recordBundle(record, root, { options: wanted, inputs, outputs, since }, witness(), temporary);
  return outputs.map(({ path, contents }) => ({ path: relative(root, path), size: contents.length }));
};
