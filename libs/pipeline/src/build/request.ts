import { createHash } from 'node:crypto';
import { digestSchema, type Digest } from '@pinlane/contracts';

/** What `docker buildx build` may be told besides the plan. Each is named as the option of `buildx` that sets it. */
export interface DockerBuildOptions {
  /** The builder of `docker buildx ls`; the one in use if absent. */
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

/** What is asked of a build besides its source. */
export interface BuildRequest {
  readonly docker: DockerBuildOptions;
  /** Labels besides those of the Dockerfile and of Pinlane. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether an option changes the image, or how it is built, so that only Docker can carry it out; the others are about Docker's caches and builders. */
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

/** Whether attestations were asked for: they are manifests of their own in the index. */
export const wantsAttestations = ({ provenance, sbom }: DockerBuildOptions): boolean => isSet(provenance) || isSet(sbom);

/** One hash over all that was asked besides the source: another build of the same source is another image. Undefined if nothing was asked. */
export const variantOf = ({ docker, labels }: BuildRequest): Digest | undefined => {
  const options = dockerOnly(docker).map((name): [string, unknown] => [name, docker[name]]);
  const asked = [...options, ...(Object.keys(labels).length === 0 ? [] : [['labels', labels] as [string, unknown]])].sort(([a], [b]) => (a < b ? -1 : 1));
  return asked.length === 0 ? undefined : digestSchema.parse(`sha256:${createHash('sha256').update(JSON.stringify(asked)).digest('hex')}`);
};

/** Whether a context goes into the image for which no digest stands, so that an earlier build of the same source says nothing about it. */
export const isOpenEnded = ({ docker }: BuildRequest): boolean => (docker.buildContexts ?? []).some((context) => !/@sha256:[a-f0-9]{64}$/.test(context));

/** The names under which the Dockerfile sees other contexts. */
export const contextNames = ({ docker }: BuildRequest): string[] => (docker.buildContexts ?? []).map((text) => text.slice(0, Math.max(0, text.indexOf('='))));
