import { join } from 'node:path';
import { formatFiles, generateFiles, logger, type GeneratorCallback, type Tree } from '@nx/devkit';
import { asPinlaneError } from '@pinlane/contracts';
import { commonRegistry, requireRoom, surroundings } from './neighbours.ts';
import { planProcessor, type ProcessorGeneratorOptions, type ProcessorPlan } from './options.ts';

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const pascalCase = (text: string): string => text.split('-').map(capitalised).join('');

/** The values for the templates. */
const substitutions = (plan: ProcessorPlan, registry: string | null) => {
  const pascal = pascalCase(plan.name);
  return {
    ...plan,
    dot: '.',
    repository: registry === null ? null : `${registry}/${plan.slug}`,
    // A type's name can't begin with a digit, as a processor's may.
    paramsType: /^[0-9]/.test(pascal) ? `Params${pascal}` : `${pascal}Params`,
  };
};

const farewell =
  ({ slug, directory }: ProcessorPlan): GeneratorCallback =>
  () =>
    logger.info(
      `\n${directory} is ready. Next:\n  npx nx run ${slug}:test-unit\n  npx nx run-many -t pin acceptance -p ${slug}\nThe real path to fill in is ${directory}/src/real.ts.`,
    );

/**
 * Creates a processor that builds, pins and passes its acceptance as it is. It has no package.json, for it needs none until it
 * has a dependency of its own: the runtime is found from the workspace's root, and the lockfile stays as it was.
 * @throws ERR_REF_INVALID, ERR_REF_DUPLICATE, ERR_GENERATOR_CONFLICT, ERR_OPTION_INVALID; then nothing was written
 */
export const processorGenerator = async (tree: Tree, options: ProcessorGeneratorOptions): Promise<GeneratorCallback> => {
  try {
    return await generate(tree, options);
  } catch (thrown) {
    throw asPinlaneError(thrown);
  }
};

const generate = async (tree: Tree, options: ProcessorGeneratorOptions): Promise<GeneratorCallback> => {
  const plan = planProcessor(options);
  const found = surroundings(tree);
  requireRoom(tree, plan, found);
  generateFiles(tree, join(import.meta.dirname, 'files'), plan.directory, substitutions(plan, commonRegistry(found.processors)));
  await formatFiles(tree);
  return farewell(plan);
};

export default processorGenerator;
