/** The options of `docker buildx build` that a build may set besides its plan, each by the name of our own option. */
export interface DockerBuildOptions {
  /** The builder of `docker buildx ls`; the one in use if absent. */
  readonly builder?: string | undefined;
  readonly cacheFrom?: readonly string[] | undefined;
  readonly cacheTo?: readonly string[] | undefined;
  /** `true`, `false`, `mode=min` or `mode=max`. */
  readonly provenance?: string | undefined;
  /** `true`, `false`, or what makes it: `generator=<image>`. */
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

type Option = keyof DockerBuildOptions;

/** Options that change what is built, or how; the embedded engine can't carry them out. */
const DOCKER_ALONE: readonly Option[] = [
  'provenance',
  'sbom',
  'secret',
  'annotations',
  'buildContexts',
  'ssh',
  'network',
  'addHosts',
  'allow',
  'shmSize',
  'ulimit',
  'cgroupParent',
];
/** Options about Docker's caches and builders, which mean nothing to an engine without them. */
const MEANINGLESS: readonly Option[] = ['builder', 'cacheFrom', 'cacheTo', 'noCacheFilter', 'pull'];

const isSet = (value: DockerBuildOptions[Option]): boolean =>
  value !== undefined && value !== false && value !== 'false' && value !== '' && !(Array.isArray(value) && value.length === 0);

/** The options that are set and that only Docker can carry out. */
export const dockerOnly = (options: DockerBuildOptions): Option[] => DOCKER_ALONE.filter((name) => isSet(options[name]));

/** The options that are set and have no effect without Docker. */
export const withoutEffect = (options: DockerBuildOptions): Option[] => MEANINGLESS.filter((name) => isSet(options[name]));

/** Whether attestations were asked for, which are manifests of their own in the index. */
export const wantsAttestations = ({ provenance, sbom }: DockerBuildOptions): boolean => isSet(provenance) || isSet(sbom);

/**
 * The entries of --ssh, `default` or `id=path,path`. The command line splits values at commas; a part that is a path alone belongs to the entry before it.
 */
export const groupPaths = (given: readonly string[]): string[] =>
  given.reduce<string[]>((entries, text) => {
    const continues = !text.includes('=') && text.includes('/') && entries.length > 0;
    return continues ? [...entries.slice(0, -1), `${entries.at(-1)},${text}`] : [...entries, text];
  }, []);

/**
 * Joins fields again that the command line split at commas: `type=registry` and `ref=r` are one entry. A new entry begins with a field that the entry has
 * already, and with one without `=`.
 */
export const groupFields = (given: readonly string[]): string[] => {
  const entries: string[][] = [];
  const keyOf = (field: string): string | undefined => (field.includes('=') ? field.slice(0, field.indexOf('=')).trim() : undefined);
  for (const text of given) {
    const fields = text.split(',');
    const key = keyOf(text);
    const last = entries.at(-1);
    const continues =
      fields.length === 1 && key !== undefined && last !== undefined && last.every((field) => keyOf(field) !== undefined && keyOf(field) !== key);
    if (continues) last.push(text);
    else entries.push(fields);
  }
  return entries.map((fields) => fields.join(','));
};
