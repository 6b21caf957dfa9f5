import { createRequire } from 'node:module';
import { basename, dirname } from 'node:path';
import type { AggregateCreateNodesError, CreateNodesContext, CreateNodesResultArray, ProjectConfiguration } from '@nx/devkit';
import { asPinlaneError, PinlaneError } from '@pinlane/contracts';
import type { FactsCache } from '../../workspace/facts-cache.ts';
import { OWN_FOLDER } from '../../workspace/own-folder.ts';
import { readProcessor } from './processor-facts.ts';
import { inputsOfOddFolders } from '../plain-folder.ts';
import { processorTargets, workspaceTargets } from './targets.ts';

/** The plugin's options in nx.json. */
export interface PluginOptions {
  /** Folders below which every registry.yaml is a processor; `["processors"]` if absent. */
  readonly folders?: readonly string[];
  /** The name of the project that has the workspace's own targets; `pinlane` if absent. */
  readonly workspaceProject?: string;
}

type Found = ReturnType<typeof readProcessor> & { readonly file: string };

const project = ({ facts, bases }: Found, odd: readonly string[]): ProjectConfiguration => ({
  name: facts.slug,
  root: facts.root,
  sourceRoot: `${facts.root}/src`,
  projectType: 'application',
  tags: ['pinlane:processor', `ref:${facts.ref}`, 'scope:processor'],
  // A glob that always matches the project itself, which Nx then leaves out: a base that does not exist must not break the
  // graph for everyone; the build says which base is missing.
  ...(bases.length > 0 ? { implicitDependencies: bases.filter((base) => base !== facts.slug).map((base) => `{${base},${facts.slug}}`) } : {}),
  metadata: { description: `Processor ${facts.ref}`, technologies: ['pinlane'] },
  targets: processorTargets(facts, odd),
});

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

/** The project for targets of the workspace as a whole, in the folder where Pinlane keeps what it makes. */
const workspaceProject = (name: string): ProjectConfiguration => ({
  name,
  root: OWN_FOLDER,
  projectType: 'application',
  tags: ['pinlane:workspace'],
  metadata: { description: 'The pins and images of the whole workspace', technologies: ['pinlane'] },
  targets: workspaceTargets(name),
});

/**
 * Turns every registry.yaml of some files into an Nx project, and nx.json into that of the workspace's own targets. Problems of single files are reported
 * together at the end, through the error with which Nx keeps the rest of the graph.
 */
export const createProcessorNodes = (
  files: readonly string[],
  options: PluginOptions | undefined,
  context: CreateNodesContext,
  cache: FactsCache,
): CreateNodesResultArray => {
  const folders = options?.folders ?? ['processors'];
  const odd = inputsOfOddFolders(files.map(dirname));
  const errors: [string, Error][] = [];
  const bySlug = new Map<string, Found>();

  for (const file of [...files].sort()) {
    if (basename(file) !== 'registry.yaml' || !inside(folders, file)) continue;
    try {
      const found = { ...readProcessor(context.workspaceRoot, file, cache), file };
      const other = bySlug.get(found.facts.slug);
      if (other) throw collision(found, other);
      bySlug.set(found.facts.slug, found);
    } catch (thrown) {
      errors.push([file, asPinlaneError(thrown, { file })]);
    }
  }

  const nodes: CreateNodesResultArray = [
    ...[...bySlug.values()].map((found) => [found.file, { projects: { [found.facts.root]: project(found, odd) } }] as const),
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
