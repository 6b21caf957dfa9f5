import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { AggregateCreateNodesError, CreateNodesContext, CreateNodesResultArray, ProjectConfiguration } from '@nx/devkit';
import { asPinlaneError, PinlaneError } from '@pinlane/contracts';
import type { FactsCache } from '../../workspace/facts-cache.ts';
import type { BundleFilesOf } from './bundle-files.ts';
import { isBase } from './base-facts.ts';
import { createBuildsBefore, type BuildsBefore } from './builds-before.ts';
import { outsideInputs } from './outside-inputs.ts';
import { OWN_FOLDER } from '../../workspace/own-folder.ts';
import { readProcessor } from './processor-facts.ts';
import { readProjectJson } from './project-json.ts';
import { inputsOfOddFolders } from '../plain-folder.ts';
import { baseTargets, processorTargets, workspaceTargets, type OutsideInputs } from './targets.ts';

/** The plugin's options in nx.json. */
export interface PluginOptions {
  /** Folders below which every registry.yaml is a processor; `["processors"]` if absent. */
  readonly folders?: readonly string[];
  /** The name of the project that has the workspace's own targets; `pinlane` if absent. */
  readonly workspaceProject?: string;
}

type Found = ReturnType<typeof readProcessor> & { readonly file: string };

const project = ({ facts, bases }: Found, outside: OutsideInputs, before: BuildsBefore, isBaseForPins: boolean): ProjectConfiguration => ({
  name: facts.slug,
  root: facts.root,
  sourceRoot: `${facts.root}/src`,
  projectType: 'application',
  tags: ['pinlane:processor', `ref:${facts.ref}`, 'scope:processor'],
  // A glob that always matches the project itself, which Nx then leaves out: a base that does not exist must not break the
  // graph for everyone; the build says which base is missing.
  ...(bases.length > 0 ? { implicitDependencies: bases.filter((base) => base !== facts.slug).map((base) => `{${base},${facts.slug}}`) } : {}),
  metadata: { description: `Processor ${facts.ref}`, technologies: ['pinlane'] },
  targets: processorTargets(facts, outside, before, isBaseForPins),
});

/** The name that Nx gives a project in a folder, where a file of ours does not name it. */
const nameAt = (workspaceRoot: string, root: string): string => {
  for (const file of ['project.json', 'package.json']) {
    const { nx, name } = readProjectJson(join(workspaceRoot, root, file)) ?? {};
    const named = nx?.name ?? name;
    if (named !== undefined) return named;
  }
  return basename(root);
};

const collision = (found: Found, other: Found): PinlaneError =>
  new PinlaneError({
    code: 'ERR_REF_DUPLICATE',
    file: found.file,
    message:
      found.facts.ref === other.facts.ref
        ? `${found.facts.ref} is also the ref of ${other.file}`
        : `${found.facts.ref} and ${other.facts.ref} of ${other.file} both have the slug ${found.facts.slug}`,
  });

const inside = (folders: readonly string[], file: string): boolean =>
  folders.some((folder) => folder === '.' || file.startsWith(`${folder.replace(/\/+$/, '')}/`));

/** The project of a base. */
const baseProject = (name: string, root: string): ProjectConfiguration => ({
  name,
  root,
  projectType: 'library',
  tags: ['pinlane:base'],
  metadata: { description: `Base image ${name}`, technologies: ['pinlane'] },
  targets: baseTargets(name, root),
});

/** The project for targets of the workspace as a whole, in the folder where Pinlane keeps what it makes. */
const workspaceProject = (name: string): ProjectConfiguration => ({
  name,
  root: OWN_FOLDER,
  projectType: 'application',
  tags: ['pinlane:workspace'],
  metadata: { description: 'The pins and images of the whole workspace', technologies: ['pinlane'] },
  targets: workspaceTargets(name),
});

const specsIn = (files: readonly string[], options: PluginOptions | undefined): string[] =>
  files.filter((file) => basename(file) === 'registry.yaml' && inside(options?.folders ?? ['processors'], file));

/** The entry of the bundle of a processor in TypeScript, relative to the workspace's root. */
export const mainOf = (root: string): string => `${root}/src/main.ts`;

/** The entries of all processors that are bundled, relative to the workspace's root. */
export const entriesOf = (files: readonly string[], options: PluginOptions | undefined, workspaceRoot: string): string[] =>
  specsIn(files, options)
    .map((file) => mainOf(dirname(file)))
    .filter((entry) => existsSync(join(workspaceRoot, entry)));

/**
 * Turns every registry.yaml of some files into an Nx project, and nx.json into that of the workspace's own targets. Problems of single files are reported
 * together at the end, through the error with which Nx keeps the rest of the graph.
 */
export const createProcessorNodes = (
  files: readonly string[],
  options: PluginOptions | undefined,
  context: CreateNodesContext,
  cache: FactsCache,
  bundles: BundleFilesOf = new Map(),
): CreateNodesResultArray => {
  const odd = inputsOfOddFolders(files.map(dirname));
  const errors: [string, Error][] = [];
  const bySlug = new Map<string, Found>();

  for (const file of specsIn(files, options).sort()) {
    try {
      const found = { ...readProcessor(context.workspaceRoot, file, cache), file };
      const other = bySlug.get(found.facts.slug);
      if (other) throw collision(found, other);
      bySlug.set(found.facts.slug, found);
    } catch (thrown) {
      errors.push([file, asPinlaneError(thrown, { file })]);
    }
  }

  const processorRoots = new Set([...bySlug.values()].map(({ facts }) => facts.root));
  const bases = files.filter((file) => basename(file) === 'base.yaml' && !processorRoots.has(dirname(file)) && isBase(context.workspaceRoot, dirname(file)));
  const locked = files.filter((file) => basename(file) === 'base.lock.json').map((file) => nameAt(context.workspaceRoot, dirname(file)));
  const roots = new Map([...bySlug].map(([slug, { facts }]) => [slug, facts]));
  const before = createBuildsBefore(context.workspaceRoot, context.nxJsonConfiguration, roots, new Set(locked));
  const builtOn = new Set([...bySlug.values()].flatMap((found) => found.bases.filter((base) => base !== found.facts.slug)));
  const nodes: CreateNodesResultArray = [
    ...[...bySlug.values()].map((found) => {
      const { root, slug } = found.facts;
      const outside = { bundle: outsideInputs(root, bundles.get(mainOf(root))), tests: odd };
      return [found.file, { projects: { [root]: project(found, outside, before.of(found.bases), builtOn.has(slug) && before.forPins(slug)) } }] as const;
    }),
    ...bases.map((file) => {
      const root = dirname(file);
      return [file, { projects: { [root]: baseProject(nameAt(context.workspaceRoot, root), root) } }] as const;
    }),
    ...files
      .filter((file) => file === 'nx.json')
      .map((file) => [file, { projects: { [OWN_FOLDER]: workspaceProject(options?.workspaceProject ?? 'pinlane') } }] as const),
  ];
  if (errors.length > 0) throw aggregate(errors, nodes);
  return nodes;
};

// Nx's own exports take time to load, before every command if no daemon runs, so they are loaded only when there is an error to report. They are those of
// @nx/devkit, which a workspace need not have installed.
const aggregate = (errors: [string, Error][], nodes: CreateNodesResultArray): AggregateCreateNodesError => {
  const nx = createRequire(import.meta.url)('nx/src/devkit-exports') as typeof import('@nx/devkit');
  return new nx.AggregateCreateNodesError(errors, nodes);
};
