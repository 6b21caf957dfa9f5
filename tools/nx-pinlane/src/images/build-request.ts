import type { BuildRequest } from '@pinlane/pipeline';
import * as z from 'zod';
import { buildArgs, buildArguments, docker, dockerOptions, namingOptions } from './docker-options.ts';
import { building } from './options.ts';

/** The options of a build that change its image, however they were given. */
const imageOptions = { buildArgs, ...docker };

/** Options of the target `buildx`, for verbs that answer for the same image or build it. */
export const builtAs = {
  build: z
    .object({ ...building, ...imageOptions })
    .partial()
    .optional()
    .describe('How the image is built: the options of the target `buildx`, set by the plugin.'),
};

/** What is asked of a build: what registry.yaml leaves open or is overruled in, and all besides the source. */
export interface BuildRequested {
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target: string | undefined;
  readonly request: BuildRequest;
}

/** Reads it from options. @throws ERR_OPTION_INVALID */
export const requestedBy = (options: z.output<z.ZodObject<typeof imageOptions>>): BuildRequested => {
  const { target, labels } = namingOptions(options);
  return { buildArgs: buildArguments(options.buildArgs), target, request: { docker: dockerOptions(options), labels } };
};
