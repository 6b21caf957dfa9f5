import type { TargetConfiguration } from '@nx/devkit';
import type { Subject, VerbSummary } from '../../command/verb.ts';
import type { VerbName } from '../../verbs/index.ts';
import { MANIFEST } from '../../verbs/manifest.ts';
import type { SpecFacts } from '../../workspace/spec-facts.ts';

/** A processor as inference knows it: the facts of registry.yaml, and which files lie beside it. */
export interface ProcessorFacts extends SpecFacts {
  /** The processor's folder, relative to the workspace's root, with `/`. */
  readonly root: string;
  readonly hasMain: boolean;
  readonly tests: readonly ('unit' | 'integration')[];
  /** Nx inputs that stand for the build context. */
  readonly contextInputs: readonly string[];
}

const keyVariables = (name: VerbName) => MANIFEST[name].keyVariables.map((env) => ({ env }));

/** A verb's target as its definition has it, in a project. */
const targetOf = (name: string, { title, target }: VerbSummary, project: string): TargetConfiguration => {
  const { cache = false, continuous, dependsOn, configurations, example = {} } = target ?? {};
  return {
    executor: `@pinlane/nx:${name}`,
    cache,
    ...(continuous === undefined ? {} : { continuous }),
    ...(dependsOn === undefined ? {} : { dependsOn: [...dependsOn] }),
    ...(configurations === undefined ? {} : { configurations: { ...configurations } }),
    metadata: {
      description: title,
      technologies: ['pinlane'],
      help: { command: `npx nx run ${project}:${name} --help`, example: { options: example } },
    },
  };
};

/** The targets of all verbs on one subject. */
const targetsOf = (subject: Subject, project: string): Record<string, TargetConfiguration> =>
  Object.fromEntries(
    Object.entries<VerbSummary>(MANIFEST)
      .filter(([, verb]) => verb.subject === subject && verb.target !== null)
      .map(([name, verb]) => [name, targetOf(name, verb, project)]),
  );

// The command goes through a shell and Jest reads a regular expression: a folder's name may mean nothing to either.
const pathPattern = (path: string): string => path.replace(/[^\w/-]/g, '.');

const testTarget = (root: string, kind: 'unit' | 'integration', oddInputs: readonly string[]): TargetConfiguration => ({
  executor: 'nx:run-commands',
  cache: true,
  // What a test imports is known to Nx only when targets are, so all odd folders of the workspace are inputs of every test.
  inputs: ['default', '^default', ...oddInputs, '{workspaceRoot}/jest.config.js', '{workspaceRoot}/jest.preset.js'],
  options: {
    command: `node --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js --selectProjects ${kind} --testPathPatterns=${pathPattern(root)}/tests/${kind}/`,
    cwd: '{workspaceRoot}',
  },
  metadata: { description: `Runs the ${kind} tests of the processor.`, technologies: ['jest'] },
});

/** Of the targets of a processor: inputs, outputs and options, which hang on its files. */
const filesOf = (facts: ProcessorFacts, production: readonly string[]): Partial<Record<VerbName, TargetConfiguration>> => ({
  bundle: {
    // Packages that the processor imports come with `^production`; the bundler itself is in the hasher's key.
    inputs: [...production, { externalDependencies: [] }],
    outputs: ['{projectRoot}/dist'],
  },
  buildx: {
    // It bundles by itself, as target `bundle` says, and the sources of the bundle are part of its key (see `buildxHasher`): a task is a process.
    inputs: [...facts.contextInputs, { dependentTasksOutputFiles: '**/*', transitive: false }, ...keyVariables('buildx'), { externalDependencies: [] }],
    outputs: [`{workspaceRoot}/.pinlane/builds/${facts.slug}.json`, ...(facts.hasMain ? ['{projectRoot}/dist'] : [])],
    // The hash of the spec's projection stands here instead of registry.yaml in the inputs, so that writing a pin rebuilds nothing.
    options: { spec: facts.specHash },
  },
  pin: { inputs: ['{projectRoot}/registry.yaml', ...keyVariables('pin'), { externalDependencies: [] }], outputs: [] },
});

/** What is the same for all processors of a workspace, as Nx inputs. */
export interface SharedInputs {
  /** Of what goes into a bundle. */
  readonly production: readonly string[];
  /** Of projects in folders whose files Nx does not see by their name. */
  readonly odd: readonly string[];
}

/** The targets of a processor's project. */
export const processorTargets = (facts: ProcessorFacts, { production, odd }: SharedInputs): Record<string, TargetConfiguration> => {
  const { bundle, ...others } = targetsOf('processor', facts.slug);
  const targets = { ...(facts.hasMain ? { bundle } : {}), ...others };
  const files: Record<string, TargetConfiguration> = filesOf(facts, production);
  return {
    ...Object.fromEntries(Object.entries(targets).map(([name, target]) => [name, { ...target, ...files[name] }])),
    ...Object.fromEntries(facts.tests.map((kind) => [`test-${kind}`, testTarget(facts.root, kind, odd)])),
  };
};

/** The targets of the workspace's own project. It has no files, so inputs that ask for its files, as Nx's default does, would fail every task of it. */
export const workspaceTargets = (project: string): Record<string, TargetConfiguration> =>
  Object.fromEntries(Object.entries(targetsOf('workspace', project)).map(([name, target]) => [name, { ...target, inputs: [{ externalDependencies: [] }] }]));
