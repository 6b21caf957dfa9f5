import type { TargetConfiguration } from '@nx/devkit';
import type { Subject, VerbSummary } from '../../command/verb.ts';
import type { VerbName } from '../../verbs/index.ts';
import { MANIFEST } from '../../verbs/manifest.ts';
import { isPlainFolder } from '../plain-folder.ts';
import { BASE_FOR_PINS, type BuildsBefore } from './builds-before.ts';
import type { SpecFacts } from '../../workspace/spec-facts.ts';

/** A processor as inference knows it: the facts of registry.yaml, and which files lie beside it. */
export interface ProcessorFacts extends SpecFacts {
  /** The processor's folder, relative to the workspace's root, with `/`. */
  readonly root: string;
  readonly hasMain: boolean;
  readonly tests: readonly ('unit' | 'integration')[];
}

const keyVariables = (name: VerbName) => MANIFEST[name].keyVariables.map((env) => ({ env }));

/** The name of a verb's target. */
const nameOf = (verb: string, { target }: VerbSummary): string => target?.name ?? verb;

/** A verb's target as its definition has it, in a project. */
const targetOf = (name: string, verb: VerbSummary, project: string): TargetConfiguration => {
  const { title, target } = verb;
  const { continuous, dependsOn, configurations, example = {} } = target ?? {};
  return {
    executor: `@pinlane/nx:${name}`,
    // Whether there is something to do is for the verb to find out: no key of Nx's tells whether a store or a registry still has an image.
    cache: false,
    ...(continuous === undefined ? {} : { continuous }),
    ...(dependsOn === undefined ? {} : { dependsOn: [...dependsOn] }),
    ...(configurations === undefined ? {} : { configurations: { ...configurations } }),
    metadata: {
      description: title,
      technologies: ['pinlane'],
      help: { command: `npx nx run ${project}:${nameOf(name, verb)} --help`, example: { options: example } },
    },
  };
};

/** The targets of all verbs on one subject. */
const targetsOf = (subject: Subject, project: string): Record<string, TargetConfiguration> =>
  Object.fromEntries(
    Object.entries<VerbSummary>(MANIFEST)
      .filter(([, verb]) => verb.subject === subject && verb.target !== null)
      .map(([name, verb]) => [nameOf(name, verb), targetOf(name, verb, project)]),
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

/**
 * What a processor's targets read, for `nx affected`: from Nx 24 on it runs a task only where one of these has changed. So it is everything, whatever the
 * workspace's named inputs leave out: one file too many costs a look at the fingerprint, one too few an image that stays old. The pins are no input of an image.
 */
const inputsOf = ({ root }: ProcessorFacts, outside: readonly string[], name: VerbName): NonNullable<TargetConfiguration['inputs']> => [
  // Nx takes a folder's name for a pattern, and would see nothing in `apps/(shop)`.
  isPlainFolder(root) ? '{projectRoot}/**/*' : '{workspaceRoot}/**/*',
  '^{projectRoot}/**/*',
  ...(name === 'pin' ? [] : ['!{projectRoot}/registry.yaml']),
  ...outside,
  ...keyVariables(name),
  // Those packages that count are dependencies of the project; without this, Nx takes all that are installed.
  { externalDependencies: [] },
];

/** Of the targets of a processor: inputs and outputs, which hang on its files. */
const filesOf = (facts: ProcessorFacts, outside: readonly string[]): Partial<Record<VerbName, TargetConfiguration>> => {
  const bundled = facts.hasMain ? ['{projectRoot}/dist'] : [];
  return {
    bundle: { inputs: inputsOf(facts, outside, 'bundle'), outputs: bundled },
    buildx: { inputs: inputsOf(facts, outside, 'buildx'), outputs: [`{workspaceRoot}/.pinlane/builds/${facts.slug}.json`, ...bundled] },
    pin: { inputs: inputsOf(facts, outside, 'pin'), outputs: [] },
    acceptance: { inputs: inputsOf(facts, outside, 'pin'), outputs: [] },
    'modal-deploy': { inputs: inputsOf(facts, outside, 'pin'), outputs: [] },
    rollback: { inputs: inputsOf(facts, outside, 'pin'), outputs: [] },
    smoke: { inputs: inputsOf(facts, outside, 'pin'), outputs: [] },
    probe: { inputs: inputsOf(facts, outside, 'pin'), outputs: [] },
    drift: { inputs: inputsOf(facts, outside, 'pin'), outputs: [] },
    // The names are in there, and the values nowhere.
    'secrets-sync': { inputs: [isPlainFolder(facts.root) ? '{projectRoot}/registry.yaml' : '{workspaceRoot}/**/*'], outputs: [] },
  };
};

/** Nx inputs of a processor that lie outside of its folder, besides the files of other projects. */
export interface OutsideInputs {
  /** What its bundle is made of. */
  readonly bundle: readonly string[];
  /** Projects in folders whose files Nx does not see by their name. */
  readonly tests: readonly string[];
}

/** The build of a base in the process of the pins on it: what the target `buildx` does, by the executor of `pin`. */
const baseForPins = (pin: TargetConfiguration, buildx: TargetConfiguration): TargetConfiguration => ({
  ...buildx,
  executor: pin.executor!,
  options: { onlyBuilds: true },
  metadata: { technologies: ['pinlane'], description: 'Builds the image for the pins of those that build on it, in their process. It writes no pin.' },
});

/**
 * The targets of a processor's project.
 * @param before the builds of other projects that its own wait for
 * @param isBaseForPins whether pins of others wait for its image
 */
export const processorTargets = (
  facts: ProcessorFacts,
  outside: OutsideInputs,
  before: BuildsBefore,
  isBaseForPins: boolean,
): Record<string, TargetConfiguration> => {
  const { bundle, ...others } = targetsOf('processor', facts.slug);
  const targets = { ...(facts.hasMain ? { bundle } : {}), ...others };
  const files: Record<string, TargetConfiguration> = filesOf(facts, outside.bundle);
  const waiting = (name: string, { dependsOn }: TargetConfiguration): TargetConfiguration =>
    dependsOn?.includes('^buildx') ? { dependsOn: name === 'pin' ? before.pin : before.buildx } : {};
  const all: Record<string, TargetConfiguration> = Object.fromEntries(
    Object.entries(targets).map(([name, target]) => [name, { ...target, ...waiting(name, target), ...files[name] }]),
  );
  return {
    ...all,
    ...(isBaseForPins ? { [BASE_FOR_PINS]: { ...baseForPins(all['pin']!, all['buildx']!), dependsOn: before.pin } } : {}),
    ...Object.fromEntries(facts.tests.map((kind) => [`test-${kind}`, testTarget(facts.root, kind, outside.tests)])),
  };
};

/**
 * The targets of a base's project. They read all of its folder, as the base is a part of its name alone: no other project's files, and no package.
 * @param root the folder of its base.yaml, relative to the workspace's root
 */
export const baseTargets = (project: string, root: string): Record<string, TargetConfiguration> => {
  const files = [isPlainFolder(root) ? '{projectRoot}/**/*' : '{workspaceRoot}/**/*', { externalDependencies: [] }];
  const more: Record<string, TargetConfiguration> = {
    buildx: { inputs: [...files, ...keyVariables('base')], outputs: [`{workspaceRoot}/.pinlane/builds/${project}.json`] },
    pin: { inputs: files, outputs: [] },
    update: { inputs: files, outputs: [] },
  };
  return Object.fromEntries(Object.entries(targetsOf('base', project)).map(([name, target]) => [name, { ...target, ...more[name] }]));
};

/** The targets of the workspace's own project. It has no files, so inputs that ask for its files, as Nx's default does, would fail every task of it. */
export const workspaceTargets = (project: string): Record<string, TargetConfiguration> =>
  Object.fromEntries(Object.entries(targetsOf('workspace', project)).map(([name, target]) => [name, { ...target, inputs: [{ externalDependencies: [] }] }]));
