import type { CreateDependencies, CreateDependenciesContext, DependencyType, RawProjectGraphDependency } from '@nx/devkit';
import { posix } from 'node:path';
import { OWN_FOLDER } from '../../workspace/own-folder.ts';
import { bundleFilesOf, bundlerVersion, type BundleFiles } from './bundle-files.ts';

// The value of an enum that only all of @nx/devkit would bring.
const IMPLICIT = 'implicit' as DependencyType.implicit;

type Context = Pick<CreateDependenciesContext, 'projects' | 'externalNodes' | 'workspaceRoot'>;

/** The processors that are bundled by our target, and the entry of each, relative to the workspace's root. */
const bundledIn = ({ projects }: Context): [project: string, entry: string][] =>
  Object.entries(projects).flatMap(([name, { root, targets }]) => {
    const { executor, options } = targets?.['bundle'] ?? {};
    const { entry = 'src/main.ts' } = (options ?? {}) as { entry?: string };
    return executor === '@pinlane/nx:bundle' ? [[name, posix.join(root, entry)]] : [];
  });

/** Tells the project that a file belongs to: that with the longest root above it. */
const ownerIn = ({ projects }: Context): ((file: string) => string | undefined) => {
  const byRoot = new Map(Object.entries(projects).map(([name, { root }]) => [root, name]));
  return (file) => {
    for (let folder = posix.dirname(file); folder !== '.' && folder !== '/' && !folder.startsWith('..'); folder = posix.dirname(folder)) {
      const owner = byRoot.get(folder);
      if (owner !== undefined) return owner;
    }
    return byRoot.get('.');
  };
};

/** Finds Nx's nodes of a package: that of the version that is installed; all of its name if Nx knows no such version. */
const nodesIn = ({ externalNodes }: Context): ((name: string) => string[]) => {
  const byVersion = new Map<string, string>();
  const byName = new Map<string, string[]>();
  for (const [node, { data }] of Object.entries(externalNodes ?? {})) {
    const { packageName, version } = data;
    byVersion.set(`${packageName}@${version}`, node);
    byName.set(packageName, [...(byName.get(packageName) ?? []), node]);
  }
  return (each) => {
    const found = byVersion.get(each);
    return found === undefined ? (byName.get(each.replace(/(?<=.)@[^@]*$/, '')) ?? []) : [found];
  };
};

/** Projects that have files and are no processors: their images wait for no library, and no circle can come of it. */
const librariesIn = ({ projects }: Context): string[] =>
  Object.entries(projects).flatMap(([name, { root, targets }]) => (targets?.['buildx'] || root === OWN_FOLDER ? [] : [name]));

const edgesOf = (
  project: string,
  known: BundleFiles | null,
  owner: (file: string) => string | undefined,
  nodes: (name: string) => string[],
  all: () => string[],
) => {
  const made = known === null ? all() : [...known.files.flatMap((file) => owner(file) ?? []), ...known.packages.flatMap(nodes)];
  // What makes the bundle and the image.
  const makers = ['@pinlane/nx', `esbuild@${bundlerVersion()}`].flatMap(nodes);
  return [...new Set([...made, ...makers])]
    .filter((target) => target !== project)
    .map((target): RawProjectGraphDependency => ({ source: project, target, type: IMPLICIT }));
};

/**
 * Nx calls this to learn which projects and packages each processor depends on: those that its bundle is made of, as the bundler says, so that an edit of a
 * library affects the processors that bundle it in any workspace. One whose bundle fails depends on every library: nobody knows on which.
 */
export const createBundleDependencies: CreateDependencies = async (_options, context) => {
  const bundled = bundledIn(context);
  const note = (line: string): unknown => process.stderr.write(`${line}\n`);
  const files = await bundleFilesOf(context.workspaceRoot, [...new Set(bundled.map(([, entry]) => entry))], note);
  const [owner, nodes] = [ownerIn(context), nodesIn(context)];
  return bundled.flatMap(([project, entry]) => edgesOf(project, files.get(entry) ?? null, owner, nodes, () => librariesIn(context)));
};
