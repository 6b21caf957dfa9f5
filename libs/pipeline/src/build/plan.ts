import { fail, formatRepository, parseReference, parseRepository, slugOf, STORE_HOST } from '@pinlane/contracts';
import type { BuildPlan, Digest, Lane, Platform, ProcessorSpec } from '@pinlane/contracts';
import { throwAll } from '../spec/syntax.ts';
import { requireMayBuild, requireMayPush } from '../lane/lane.ts';
import { secretBuildArgs } from './build-args.ts';

/** The registry of an image if neither its spec nor the command line names one. */
export const DEFAULT_REGISTRY = 'ghcr.io/pinlane';

/** What an image depends on besides the spec. */
export interface ImageFacts {
  readonly platforms: readonly Platform[];
  readonly push: boolean;
  /** A registry with a path prefix, in place of the one in registry.yaml. */
  readonly registry?: string | undefined;
  /** The build arguments of registry.yaml and the command line together. */
  readonly buildArgs: Readonly<Record<string, string>>;
  /** The images that the Dockerfile names in FROM, each with the reference by digest that it stands for. */
  readonly bases: Readonly<Record<string, string>>;
  readonly fingerprint: Digest;
  /** A stage of the Dockerfile, in place of the one in registry.yaml. */
  readonly target?: string | undefined;
  /** Labels besides those of Pinlane. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Values of secrets that are known here; no build argument may contain one. */
  readonly secretValues?: readonly string[] | undefined;
}

/** What a plan depends on besides the spec. */
export interface BuildFacts extends ImageFacts {
  readonly lane: Lane;
}

/** The repository an image is pushed to. @throws ERR_REFERENCE_INVALID */
export const publishedRepository = (spec: ProcessorSpec, registry: string | undefined): string => {
  const slug = slugOf(spec.ref);
  const named = registry === undefined ? (spec.image?.repository ?? `${DEFAULT_REGISTRY}/${slug}`) : `${registry.replace(/\/+$/, '')}/${slug}`;
  return formatRepository(parseRepository(named));
};

/** The repository in which an image gets its name: the one it is pushed to, else one of the store. @throws ERR_REFERENCE_INVALID */
export const repositoryOf = (spec: ProcessorSpec, { push, registry }: { readonly push: boolean; readonly registry: string | undefined }): string =>
  push ? publishedRepository(spec, registry) : `${STORE_HOST}/${slugOf(spec.ref)}`;

/** The label that holds the fingerprint of the source that an image was built from. */
export const FINGERPRINT_LABEL = 'dev.pinlane.fingerprint';

/** Labels that tell what an image was made from. Pinlane and auditors rely on them, so nobody else sets them. */
const OWN_LABEL = /^(dev\.pinlane\.|org\.opencontainers\.image\.base\.)/;

/**
 * The labels of an image. None tells a revision or a time, so that the same fingerprint gives the same digest.
 * @throws ERR_OPTION_INVALID if one of Pinlane's own was asked for
 */
const labelsOf = (spec: ProcessorSpec, { fingerprint, bases, labels }: ImageFacts): Record<string, string> => {
  const base = Object.values(bases).length === 1 ? parseReference(Object.values(bases)[0] as string) : undefined;
  const own = Object.keys(labels ?? {}).filter((name) => OWN_LABEL.test(name));
  if (own.length > 0) fail('ERR_OPTION_INVALID', `--labels: ${own.join(', ')} is set by Pinlane itself`, { fix: 'Take it out.' });
  return {
    'org.opencontainers.image.title': slugOf(spec.ref),
    'org.opencontainers.image.version': spec.ref.slice(spec.ref.indexOf('@') + 1),
    ...labels,
    [FINGERPRINT_LABEL]: fingerprint,
    'dev.pinlane.ref': spec.ref,
    ...(base?.digest === undefined
      ? {}
      : { 'org.opencontainers.image.base.name': formatRepository(base), 'org.opencontainers.image.base.digest': base.digest }),
  };
};

/**
 * Decides what an image is made of, whether or not a lane builds it to be used.
 * @throws ERR_SECRET_IN_BUILD_ARG, ERR_REFERENCE_INVALID, ERR_PLATFORM_INVALID, ERR_OPTION_INVALID
 */
export const planImage = (spec: ProcessorSpec, facts: ImageFacts): BuildPlan => {
  const { platforms, push, buildArgs } = facts;
  if (platforms.length === 0) fail('ERR_PLATFORM_INVALID', 'no platform is named');
  const declared = [...spec.secrets.required, ...spec.secrets.optional];
  throwAll(secretBuildArgs(buildArgs, { declared, values: facts.secretValues ?? [] }, spec.build.public_args ?? []));
  const slug = slugOf(spec.ref);
  return {
    kind: 'BuildPlan',
    schemaVersion: 1,
    slug,
    target: facts.target ?? spec.build.target ?? null,
    platforms: [...platforms],
    buildArgs: { ...buildArgs },
    labels: labelsOf(spec, facts),
    bases: { ...facts.bases },
    fingerprint: facts.fingerprint,
    repository: repositoryOf(spec, { push, registry: facts.registry }),
    push,
  };
};

/**
 * Decides what is built: platforms, arguments, labels, and the repository in which the image gets its name.
 * @throws ERR_LANE_FORBIDS, and as {@link planImage}
 */
export const planBuild = (spec: ProcessorSpec, { lane, ...facts }: BuildFacts): BuildPlan => {
  requireMayBuild(lane);
  if (facts.push) requireMayPush(lane);
  return planImage(spec, facts);
};
