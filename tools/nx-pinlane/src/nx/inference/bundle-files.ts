import { createRequire } from 'node:module';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { Metafile, Plugin } from 'esbuild';
import { BUNDLER, namedEntries } from '../../workspace/bundler.ts';
import { hideFromGit, laneFolderBy, OWN_FOLDER } from '../../workspace/own-folder.ts';
import { readSealed, writeSealed } from '../../workspace/sealed-file.ts';
import { openWitness, type Witness } from '../../workspace/witness.ts';

/** What a processor's bundle is made of. Paths are relative to the workspace's root, with `/`. */
export interface BundleFiles {
  /** Its files, but those of packages, sorted. */
  readonly files: readonly string[];
  /** tsconfig and package.json files that have a say in it, sorted. */
  readonly configuration: readonly string[];
  /** The packages that it imports, each as `name@version`; what those import is for Nx to know. */
  readonly packages: readonly string[];
}

/** By entry, relative to the root; null for one that can't be bundled, of which nobody knows what it is made of. */
export type BundleFilesOf = ReadonlyMap<string, BundleFiles | null>;

interface Kept extends BundleFiles {
  /** Where those packages are installed. */
  readonly folders: readonly string[];
  readonly witness: string;
}

/** Marks the question that the plugin itself asks. */
const AGAIN = Symbol('again');

// Counts up when the same sources are looked at in another way.
const FORMAT = 'bundle files 1';

/** The folder of the package that a file is in. */
const PACKAGE = /^((?:.*[\\/])?node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/;

/** Imports of packages lead nowhere: what those are made of is in the lockfile, which Nx reads. A package that is a link to a folder of the workspace is none. */
const withoutPackages: Plugin = {
  name: 'without-packages',
  setup: ({ onResolve, resolve }) =>
    onResolve({ filter: /^[^./]/ }, async ({ path, kind, importer, resolveDir, pluginData, with: attributes }) => {
      if (pluginData === AGAIN || kind === 'entry-point') return undefined;
      const found = await resolve(path, { kind, importer, resolveDir, pluginData: AGAIN, with: attributes });
      return !found.external && PACKAGE.test(found.path) ? { path: found.path, external: true } : undefined;
    }),
};

const slash = (path: string): string => path.split(sep).join('/');

/** Everything that is reached from a file, and where packages begin. What is in brackets is the bundler's own. */
const reachedFrom = (root: string, entry: string, inputs: Metafile['inputs']): string[] => {
  const reached = new Set([entry]);
  for (const path of reached)
    for (const { path: next } of inputs[path]?.imports ?? [])
      if (next in inputs || PACKAGE.test(next)) reached.add(isAbsolute(next) ? slash(relative(root, next)) : next);
  return [...reached].filter((path) => !/^[<(]/.test(path));
};

const isNamed = (value: unknown): value is { readonly version: string } => typeof (value as { version?: unknown } | null)?.version === 'string';

/** The name of a package and its version, as it is installed in a folder; the name alone if its manifest can't be read. */
const packageAt = (root: string, folder: string): string => {
  const name = slash(folder).replace(/^.*node_modules\//, '');
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    return isNamed(manifest) ? `${name}@${manifest.version}` : name;
  } catch {
    return name;
  }
};

const witnessOf = (root: string, { files, folders }: Pick<Kept, 'files' | 'folders'>, witness: Witness): string =>
  witness.of(
    files.map((path) => join(root, path)),
    folders.map((folder) => join(root, folder, 'package.json')),
  );

const filesOf = (root: string, entry: string, inputs: Metafile['inputs'], witness: Witness): Kept => {
  const paths = reachedFrom(root, entry, inputs);
  const files = paths.filter((path) => !PACKAGE.test(path)).sort();
  const folders = [...new Set(paths.flatMap((path) => PACKAGE.exec(path)?.[1] ?? []))].sort();
  const configuration = witness.configurationOf(files.map((path) => join(root, path))).map((path) => slash(relative(root, path)));
  return { files, configuration, folders, packages: folders.map((folder) => packageAt(root, folder)), witness: witnessOf(root, { files, folders }, witness) };
};

/** Asks the bundler about many entries at once; if that fails, about each by itself, so that one broken source hides no other. */
const analyse = async (root: string, entries: readonly string[], witness: Witness): Promise<Map<string, Kept | null>> => {
  const { build } = await import('esbuild');
  const look = async (some: readonly string[]): Promise<Map<string, Kept | null>> => {
    const { names, plugin } = namedEntries(some.map((entry) => join(root, entry)));
    try {
      const { metafile } = await build({
        ...BUNDLER,
        absWorkingDir: root,
        entryPoints: names.map((name, at) => ({ in: name, out: String(at) })),
        outdir: join(root, OWN_FOLDER, 'nothing-is-written'),
        metafile: true,
        plugins: [plugin, withoutPackages],
      });
      return new Map(some.map((entry) => [entry, filesOf(root, entry, metafile.inputs, witness)]));
    } catch {
      if (some.length === 1) return new Map([[some[0]!, null]]);
      const middle = some.length >> 1;
      return new Map([...(await look(some.slice(0, middle))), ...(await look(some.slice(middle)))]);
    }
  };
  return look(entries);
};

/** The version of the bundler that this plugin uses. */
export const bundlerVersion = (): string => {
  const manifest = createRequire(import.meta.url).resolve('esbuild/package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
};

/**
 * What bundles are made of, as the bundler itself says: whether TypeScript or @nx/js are there does not matter, nor how packages are installed. It is kept, and
 * found out anew where a file or a folder that it hangs on is no longer as it was.
 * @param entries the entry files, relative to the root, with `/`
 */
export const bundleFilesOf = async (root: string, entries: readonly string[], note: (line: string) => void): Promise<BundleFilesOf> => {
  if (entries.length === 0) return new Map();
  // The bundler tells where files really are.
  const real = realpathSync(root);
  const path = join(laneFolderBy(real, process.env), 'cache/bundle-files.json');
  const format = `${FORMAT} ${bundlerVersion()}`;
  const known = readSealed<Kept>(path, format, 'every entry is looked at anew', note);
  const witness = openWitness(real);
  const isAsBefore = (entry: string): boolean => Object.hasOwn(known, entry) && known[entry]!.witness === witnessOf(real, known[entry]!, witness);
  const kept = new Map<string, Kept | null>(entries.filter(isAsBefore).map((entry) => [entry, known[entry]!]));
  const unknown = entries.filter((entry) => !kept.has(entry));
  if (unknown.length === 0) return kept;
  for (const [entry, files] of await analyse(real, unknown, witness)) kept.set(entry, files);
  hideFromGit(root);
  // Other entries are another hook's, unless they are gone.
  const others = Object.entries(known).filter(([entry]) => !kept.has(entry) && existsSync(join(real, entry)));
  await writeSealed(path, format, Object.fromEntries([...others, ...[...kept].filter(([, files]) => files !== null)]));
  return kept;
};
