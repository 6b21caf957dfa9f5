import { LANES } from '@pinlane/contracts';
import * as z from 'zod';

/** Options that every verb has. */
export const common = {
  lane: z.enum(LANES).optional().describe('What may be built, pushed and pinned: local, pr, dev, staging or main. PINLANE_LANE where absent, else local.'),
  json: z.boolean().optional().describe('Print exactly one JSON document on stdout; everything else goes to stderr.'),
};

/** How registries are reached, for every verb that asks one. */
export const reaching = {
  insecureRegistry: z
    .array(z.string())
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

/** How a processor is bundled into one file. */
export const bundling = {
  entry: z.string().default('src/main.ts').describe("The entry file, relative to the processor's folder."),
  output: z.string().default('dist/main.js').describe("The bundle, relative to the processor's folder."),
  sourcemap: z.boolean().default(false).describe('Write a source map beside the bundle; it becomes part of the image.'),
};

/** Set by the plugin's inference; part of the cache key and of nothing else. */
export const inferred = {
  spec: z.string().optional().describe('The hash of registry.yaml without its pins, set by the plugin: it makes edits of the spec rebuild, and pins not.'),
};

/** Set by the configuration `pinned` of the targets that `acceptance` depends on. */
export const skippable = {
  skip: z.boolean().optional().describe('Do nothing: set by -c pinned, where acceptance tests the pinned image and nothing is to be built.'),
};

/** Docker's spelling beside Nx's. */
export const uncached = (what: string) => ({
  noCache: z.boolean().optional().describe(what),
  cache: z.boolean().optional().describe('--no-cache is another spelling of --noCache.'),
});

/** Whether one of the two spellings asks for it. */
export const isUncached = ({ noCache, cache }: { readonly noCache?: boolean | undefined; readonly cache?: boolean | undefined }): boolean =>
  noCache === true || cache === false;
