import { LANES, type Skipped } from '@pinlane/contracts';
import * as z from 'zod';
import type { VariableName } from '../command/environment.ts';

/** The lane, for every verb whose rules hang on it. */
export const lane = {
  lane: z.enum(LANES).optional().describe('What may be built, pushed and pinned: local, pr, dev, staging or main. PINLANE_LANE where absent, else local.'),
};

/** How registries are reached, for every verb that asks one. */
export const reaching = {
  insecureRegistry: z
    .union([z.string(), z.array(z.string())])
    .transform((given) => [given].flat())
    .optional()
    .describe(
      'Hosts of registries that are spoken to by plain HTTP, with commas between or repeated. Those of this machine are, unless they want TLS. PINLANE_INSECURE_REGISTRY where absent.',
    ),
};

/** Options of the verbs that build. */
export const building = {
  engine: z
    .enum(['auto', 'embedded', 'docker'])
    .optional()
    .describe('What builds the image: embedded needs nothing but Node, docker needs Docker Buildx. PINLANE_ENGINE where absent, else auto.'),
  platforms: z
    .union([z.string(), z.array(z.string())])
    .transform((given) => [given].flat().join(','))
    .optional()
    .describe('The platforms, as a list or with commas between: linux/amd64,linux/arm64. PINLANE_PLATFORMS where absent, else all that the lane builds.'),
  push: z
    .boolean()
    .optional()
    .describe('Push the image to its registry, in lanes that may. PINLANE_PUSH where absent, else the image stays in the local store.'),
  registry: z
    .string()
    .optional()
    .describe('The registry and path prefix to use in place of the one in registry.yaml, for example ghcr.io/acme. PINLANE_REGISTRY where absent.'),
  ...reaching,
};

/** The variables that every verb reads which builds. */
export const buildEnvironment = [
  'PINLANE_LANE',
  'PINLANE_ENGINE',
  'PINLANE_PLATFORMS',
  'PINLANE_PUSH',
  'PINLANE_REGISTRY',
  'PINLANE_BASE_IMAGE',
  'PINLANE_INSECURE_REGISTRY',
] as const satisfies readonly VariableName[];

/** Internal: set by the configuration `pinned` of the targets that `acceptance` depends on, and by the executor if nothing in the run needs the image. */
export const skippable = {
  skip: z.boolean().optional().describe('Do nothing: set by -c pinned, where acceptance tests the pinned image and nothing is to be built.'),
};

/** The document of a verb that had nothing to do. */
export const skipped: Skipped = { kind: 'Skipped', schemaVersion: 1 };

/** Whether what is there already will do. */
export const rebuilding = {
  rebuild: z
    .boolean()
    .optional()
    .describe('Build even where the source was built before: whatever pins, the store and the registry say. Layers that were made before are used again.'),
};

/** Nx's spelling and Docker's, of one wish. */
export const uncached = (what: string) => ({
  noCache: z.boolean().optional().describe(what),
  cache: z.boolean().optional().describe('--no-cache is another spelling of --noCache.'),
});

/** Whether either spelling asks for it. */
export const isUncached = ({ noCache, cache }: { readonly noCache?: boolean | undefined; readonly cache?: boolean | undefined }): boolean =>
  noCache === true || cache === false;
