import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fail, slugOf, type Digest } from '@pinlane/contracts';
import * as z from 'zod';
import type { VerbContext } from '../../command/context.ts';
import { readBuildInputs } from '../build-inputs.ts';
import { builtAs, requestedBy } from '../build-request.ts';
import { bundling } from '../bundle-options.ts';
import { writeBundle } from '../bundle.ts';
import type { ImageLocations } from '../locations.ts';
import type { BuildSettings } from '../../workspace/settings.ts';
import type { SpecFile } from '../../workspace/spec-file.ts';

const bundleSchema = z.object(bundling);

const parsed = <T>(schema: z.ZodType<T>, options: unknown, what: string, file: string): T => {
  const { data, error } = schema.safeParse(options);
  return data ?? fail('ERR_OPTION_INVALID', `${what}: ${error?.issues[0]?.message ?? 'it is not valid'}`, { file });
};

/** The options of a processor's bundle and of its build: those of its targets, else what the command itself takes. */
const wishes = ({ file }: SpecFile, { root, projectRoot, targetsOf }: VerbContext) => {
  const targets = targetsOf?.(projectRoot);
  const plain = existsSync(join(root, projectRoot, 'src/main.ts')) ? {} : null;
  const bundle = targets === undefined ? plain : targets.bundle;
  return {
    bundle: bundle === null ? null : parsed(bundleSchema, bundle, 'the options of the target bundle', file),
    build: parsed(builtAs.build, targets?.buildx ?? {}, 'the options of the target buildx', file) ?? {},
  };
};

/**
 * The fingerprint of a processor's source in the working tree, as `pin --check` has it. The source is bundled, and nothing is built.
 * @throws what reading the source throws
 */
export const sourceOf = async (
  specFile: SpecFile,
  settings: Pick<BuildSettings, 'lane'>,
  locations: ImageLocations,
  workspace: VerbContext,
): Promise<Digest> => {
  const context = { ...workspace, project: slugOf(specFile.spec.ref), projectRoot: posix.dirname(specFile.file) };
  const { bundle, build } = wishes(specFile, context);
  if (bundle !== null) await writeBundle({ ...bundle, lane: settings.lane }, context);
  return (await readBuildInputs(specFile, settings, locations, context, requestedBy(build))).fingerprint;
};
