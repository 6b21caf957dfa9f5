/** A variable that stands for an option in a whole run. */
export interface EnvironmentVariable {
  readonly what: string;
  /** The option that wins over it; null if there is none. */
  readonly option: string | null;
  /** Whether its value changes what a build makes, so that it is an input of every target that builds. */
  readonly inCacheKey: boolean;
}

/** Every variable of Pinlane's own that a verb may read. A verb names those that it does read in its definition. */
export const ENVIRONMENT = {
  PINLANE_LANE: { what: 'The lane: local, pr, dev, staging or main; local if it is unset.', option: 'lane', inCacheKey: true },
  PINLANE_ENGINE: { what: 'The engine that builds images: auto, embedded or docker.', option: 'engine', inCacheKey: true },
  PINLANE_PLATFORMS: { what: 'The platforms to build, with commas between; all that the lane builds if it is unset.', option: 'platforms', inCacheKey: true },
  PINLANE_PUSH: { what: 'Whether images are pushed: true or false.', option: 'push', inCacheKey: true },
  PINLANE_REGISTRY: { what: 'The registry and path prefix in place of the one in registry.yaml.', option: 'registry', inCacheKey: true },
  PINLANE_PART: {
    what: 'The part of the processors that this runner pins, such as 2/4, where several runners share them; all of them if it is unset.',
    option: null,
    inCacheKey: false,
  },
  PINLANE_BASE_IMAGE: {
    what: 'The image, by digest, that stands for the build argument BASE_IMAGE if nothing else sets it.',
    option: null,
    inCacheKey: true,
  },
  PINLANE_RUNTIME: { what: 'What runs an image under test: auto, bubblewrap, unshare, docker or host.', option: 'runtime', inCacheKey: false },
  PINLANE_ADAPTER: { what: 'Where images are deployed: local, which is this machine, or modal.', option: 'adapter', inCacheKey: false },
  PINLANE_DEPLOYMENTS: {
    what: 'The folder, by its absolute path, of what is deployed to this machine, for several clones that share it; .pinlane/deployments of the workspace if it is unset.',
    option: null,
    inCacheKey: false,
  },
  PINLANE_INSECURE_REGISTRY: {
    what: 'Hosts of registries that are spoken to by plain HTTP, with commas between.',
    option: 'insecureRegistry',
    inCacheKey: false,
  },
  PINLANE_GIT_TOKEN: {
    what: 'The token with which the pin commit is pushed by HTTPS, and pull requests are opened; the credentials of the checkout, and GITHUB_TOKEN, if it is unset.',
    option: null,
    inCacheKey: false,
  },
  PINLANE_MODAL_PYTHON: { what: "The Python that has Modal's client; python3 if it is unset.", option: null, inCacheKey: false },
  PINLANE_MODAL_REGISTRY_SECRET: {
    what: 'The name of the Modal secret with REGISTRY_USERNAME and REGISTRY_PASSWORD of a private registry; images are public if it is unset.',
    option: null,
    inCacheKey: false,
  },
} as const satisfies Record<`PINLANE_${string}`, EnvironmentVariable>;

/** The name of one of them. */
export type VariableName = keyof typeof ENVIRONMENT;

/** The value of a variable; an empty one counts as unset, because workflows hand on inputs that nobody filled in. */
export const valueOf = (env: Readonly<Record<string, string | undefined>>, name: VariableName): string | undefined => env[name]?.trim() || undefined;
