/** The options of a build with Docker. Each has the name of the option of `docker buildx build`. */
export interface DockerBuildOptions {
  /** A builder that `docker buildx ls` lists; if absent, the one in use. */
  readonly builder?: string | undefined;
  readonly cacheFrom?: readonly string[] | undefined;
  readonly cacheTo?: readonly string[] | undefined;
  /** `true`, `false`, `mode=min` or `mode=max`. */
  readonly provenance?: string | undefined;
  /** `true`, `false`, or the scanner: `generator=<image>`. */
  readonly sbom?: string | undefined;
  readonly secret?: readonly string[] | undefined;
  readonly annotations?: readonly string[] | undefined;
  readonly buildContexts?: readonly string[] | undefined;
  readonly ssh?: readonly string[] | undefined;
  readonly network?: string | undefined;
  readonly addHosts?: readonly string[] | undefined;
  readonly allow?: readonly string[] | undefined;
  readonly shmSize?: string | undefined;
  readonly ulimit?: readonly string[] | undefined;
  readonly cgroupParent?: string | undefined;
  readonly noCacheFilter?: readonly string[] | undefined;
  readonly pull?: boolean | undefined;
}

export type DockerBuildOption = keyof DockerBuildOptions;

/** All that is asked of a build besides its source. */
export interface BuildRequest {
  readonly docker: DockerBuildOptions;
  /** Labels besides those of the Dockerfile and of Pinlane. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether an option changes the image or the way it is built, so that it needs Docker. The others are about Docker's caches and builders. */
const CHANGES_THE_IMAGE: Readonly<Record<DockerBuildOption, boolean>> = {
  provenance: true,
  sbom: true,
  secret: true,
  annotations: true,
  buildContexts: true,
  ssh: true,
  network: true,
  addHosts: true,
  allow: true,
  shmSize: true,
  ulimit: true,
  cgroupParent: true,
  builder: false,
  cacheFrom: false,
  cacheTo: false,
  noCacheFilter: false,
  pull: false,
};

const OPTIONS = Object.keys(CHANGES_THE_IMAGE) as DockerBuildOption[];

const isSet = (value: DockerBuildOptions[DockerBuildOption]): boolean =>
  value !== undefined && value !== false && value !== 'false' && value !== '' && !(Array.isArray(value) && value.length === 0);

/** The options that are set and that only Docker can carry out. */
export const dockerOnly = (options: DockerBuildOptions): DockerBuildOption[] => OPTIONS.filter((name) => CHANGES_THE_IMAGE[name] && isSet(options[name]));

/** The options that are set and have no effect without Docker. */
export const withoutEffect = (options: DockerBuildOptions): DockerBuildOption[] => OPTIONS.filter((name) => !CHANGES_THE_IMAGE[name] && isSet(options[name]));

/** Whether attestations were asked for, which are manifests of their own in the index. */
export const wantsAttestations = ({ provenance, sbom }: DockerBuildOptions): boolean => isSet(provenance) || isSet(sbom);

/** All that is asked of an image besides its source, by name, for its fingerprint; undefined if nothing is. */
export const askedOfImage = ({ docker, labels }: BuildRequest): Readonly<Record<string, unknown>> | undefined => {
  const options = Object.fromEntries(dockerOnly(docker).map((name): [string, unknown] => [name, docker[name]]));
  const asked = { ...options, ...(Object.keys(labels).length === 0 ? {} : { labels }) };
  return Object.keys(asked).length === 0 ? undefined : asked;
};

/** Whether a build context is named without a digest. It may have changed since, so an earlier build of the same source can't be reused. */
export const isOpenEnded = ({ docker }: BuildRequest): boolean => (docker.buildContexts ?? []).some((context) => !/@sha256:[a-f0-9]{64}$/.test(context));

/** The names by which the Dockerfile refers to other build contexts. */
export const contextNames = ({ docker }: BuildRequest): string[] => (docker.buildContexts ?? []).map((text) => text.slice(0, Math.max(0, text.indexOf('='))));

/** A build for which nothing is asked. */
export const NOTHING_ASKED: BuildRequest = { docker: {}, labels: {} };
