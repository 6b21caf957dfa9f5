import type { TargetConfiguration } from '@nx/devkit';
import type { SpecFacts } from './spec-facts.ts';

/** What inference knows of a processor: registry.yaml, and which files lie beside it. */
export interface ProcessorFacts extends SpecFacts {
  /** The processor's folder, relative to the workspace's root, with `/`. */
  readonly root: string;
  readonly hasMain: boolean;
  readonly tests: readonly ('unit' | 'integration')[];
  /** Nx inputs that stand for the build context. */
  readonly contextInputs: readonly string[];
}

/** The environment in which a lane sets once what holds for a whole run; part of the cache key of whatever builds. */
export const BUILD_ENVIRONMENT = ['PINLANE_ENGINE', 'PINLANE_PLATFORMS', 'PINLANE_PUSH', 'PINLANE_REGISTRY', 'PINLANE_LANE', 'PINLANE_BASE_IMAGE'] as const;

const about = (description: string, command: string, options: Record<string, unknown> = {}) => ({
  description,
  technologies: ['pinlane'],
  help: { command: `npx nx run ${command} --help`, example: { options } },
});

// `-c pinned` reaches `buildx` through `acceptance`, which then needs no build.
const PINNED = { configurations: { pinned: { skip: true } } };

// The command goes through a shell and Jest reads a regular expression: a folder's name may mean nothing to either.
const pathPattern = (path: string): string => path.replace(/[^\w/-]/g, '.');

const testTarget = (root: string, kind: 'unit' | 'integration'): TargetConfiguration => ({
  executor: 'nx:run-commands',
  cache: true,
  inputs: ['default', '^default', '{workspaceRoot}/jest.config.js', '{workspaceRoot}/jest.preset.js'],
  options: {
    command: `node --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js --selectProjects ${kind} --testPathPatterns=${pathPattern(root)}/tests/${kind}/`,
    cwd: '{workspaceRoot}',
  },
  metadata: { description: `Runs the ${kind} tests of the processor.`, technologies: ['jest'] },
});

/** The targets of a processor's project. */
export const processorTargets = (facts: ProcessorFacts, production: readonly string[]): Record<string, TargetConfiguration> => ({
  ...(facts.hasMain
    ? {
        bundle: {
          executor: '@pinlane/nx:bundle',
          cache: true,
          // Packages that the processor imports come with `^production`; the bundler itself is in the hasher's key.
          inputs: [...production, { externalDependencies: [] }],
          outputs: ['{projectRoot}/dist'],
          metadata: about('Bundles the processor into one file, dist/main.js, as buildx does before it builds.', `${facts.slug}:bundle`),
        },
      }
    : {}),
  buildx: {
    executor: '@pinlane/nx:buildx',
    cache: true,
    // It bundles by itself, as target `bundle` says, and what that reads is part of its key (see `buildxHasher`): a task is a process.
    dependsOn: ['^buildx'],
    inputs: [
      ...facts.contextInputs,
      { dependentTasksOutputFiles: '**/*', transitive: false },
      ...BUILD_ENVIRONMENT.map((env) => ({ env })),
      { externalDependencies: [] },
    ],
    outputs: [`{workspaceRoot}/.pinlane/builds/${facts.slug}.json`, ...(facts.hasMain ? ['{projectRoot}/dist'] : [])],
    // The spec without its pins stands here instead of registry.yaml in the inputs, so that writing a pin rebuilds nothing.
    options: { spec: facts.specHash },
    ...PINNED,
    metadata: about('Builds the image for every platform and keeps it in the local store.', `${facts.slug}:buildx`, { platforms: 'linux/arm64' }),
  },
  pin: {
    executor: '@pinlane/nx:pin',
    // Only runs that had nothing to write are ever repeated from the cache: see `pinHasher`.
    cache: true,
    dependsOn: ['buildx'],
    inputs: ['{projectRoot}/registry.yaml', ...BUILD_ENVIRONMENT.map((env) => ({ env })), { externalDependencies: [] }],
    outputs: [],
    metadata: about('Builds what changed and writes the digests of the image into registry.yaml.', `${facts.slug}:pin`, { check: true }),
  },
  acceptance: {
    executor: '@pinlane/nx:acceptance',
    cache: false,
    dependsOn: ['buildx'],
    configurations: { pinned: { pinned: true } },
    metadata: about('Runs the image in isolation and holds it to the processor contract and to its own cases.', `${facts.slug}:acceptance`),
  },
  ...Object.fromEntries(facts.tests.map((kind) => [`test-${kind}`, testTarget(facts.root, kind)])),
});
