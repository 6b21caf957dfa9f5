/** A node of a builder. */
export interface BuilderNode {
  readonly name: string;
  readonly status: string;
  readonly buildkit: string | null;
  readonly platforms: readonly string[];
}

/** What `docker buildx inspect` tells. */
export interface InspectedBuilder {
  readonly name: string;
  /** `docker`, `docker-container`, `kubernetes` or `remote`; empty if its Docker does not answer. */
  readonly driver: string;
  readonly nodes: readonly BuilderNode[];
  readonly error: string | null;
}

/** What `docker info` tells about the daemon, as far as building depends on it. */
export interface DockerDaemon {
  readonly version: string;
  /** Whether it keeps images in containerd, and so can hold several platforms and write OCI layouts. */
  readonly containerdStore: boolean;
}

/** What a builder can do. */
export interface BuilderAbilities {
  /** Whether it builds several platforms in one call and writes them as an OCI layout; if not, there is a call and a `docker save` for each platform. */
  readonly layout: boolean;
  /** Whether it can export caches. */
  readonly cacheExport: boolean;
  readonly attestations: boolean;
}

const field = (line: string): readonly [string, string] | null => {
  const colon = line.indexOf(':');
  return colon <= 0 ? null : [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
};

/** Reads `docker buildx inspect`. */
export const parseInspect = (text: string): InspectedBuilder => {
  const [head = '', ...sections] = text.split(/^Nodes:\s*$/m);
  const values = new Map(head.split('\n').flatMap((line) => [field(line)].filter((found) => found !== null)));
  const nodes: Record<string, string>[] = [];
  for (const line of sections.join('\n').split('\n')) {
    if (/^\s/.test(line)) continue;
    const [key, value] = field(line) ?? [];
    if (key === 'name') nodes.push({});
    if (key !== undefined && value !== undefined && nodes.length > 0) nodes.at(-1)![key] ??= value;
  }
  const list = (value: string | undefined) =>
    (value ?? '')
      .split(',')
      .map((each) => each.trim().replace(/\*$/, ''))
      .filter(Boolean);
  return {
    name: values.get('name') ?? '',
    driver: values.get('driver') ?? '',
    error: values.get('error') ?? nodes.map((node) => node['error']).find((error) => error !== undefined) ?? null,
    nodes: nodes.map((node) => ({
      name: node['name'] ?? '',
      status: node['status'] ?? '',
      buildkit: node['buildkit version'] ?? node['buildkit'] ?? null,
      platforms: list(node['platforms']),
    })),
  };
};

/** Reads `docker info --format {{json .}}`; null if the client answers, and the daemon does not. */
export const parseDockerInfo = (text: string): DockerDaemon | null => {
  const info = JSON.parse(text) as { ServerVersion?: unknown; DriverStatus?: unknown };
  if (typeof info.ServerVersion !== 'string' || info.ServerVersion === '') return null;
  const status = Array.isArray(info.DriverStatus) ? (info.DriverStatus as unknown[][]) : [];
  const containerdStore = status.some(([name, value]) => name === 'driver-type' && String(value).startsWith('io.containerd.snapshotter'));
  return { version: info.ServerVersion, containerdStore };
};

/** Reads `docker buildx version`: `github.com/docker/buildx v0.13.1 <commit>`. */
export const parseBuildxVersion = (text: string): string => /\bbuildx\s+v?(\S+)/.exec(text)?.[1] ?? 'unknown';

/** Whether a version is at least another; one without numbers counts as new. */
export const isAtLeast = (version: string, [major, minor]: readonly [number, number]): boolean => {
  const [, first, second] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (first === undefined) return true;
  return Number(first) > major || (Number(first) === major && Number(second) >= minor);
};

/** What a builder can do. Only one is limited: Docker's own, if it does not keep images in containerd. */
export const abilitiesOf = ({ driver }: Pick<InspectedBuilder, 'driver'>, daemon: DockerDaemon | null, buildx: string): BuilderAbilities => {
  const whole = driver !== 'docker' || (daemon?.containerdStore ?? false);
  return { layout: whole, cacheExport: whole, attestations: whole && isAtLeast(buildx, [0, 10]) };
};
