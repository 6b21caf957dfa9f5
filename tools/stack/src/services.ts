/** A port of a service, and the variable that says at which port of this machine it is found. */
export interface ServicePort {
  readonly target: number;
  readonly variable: string;
  readonly what: string;
}

/** The services of compose.yaml with their ports. */
export const SERVICES: Readonly<Record<string, readonly ServicePort[]>> = {
  postgres: [{ target: 5432, variable: 'STACK_POSTGRES_PORT', what: 'Postgres' }],
  redis: [{ target: 6379, variable: 'STACK_REDIS_PORT', what: 'Redis' }],
  minio: [
    { target: 9000, variable: 'STACK_MINIO_PORT', what: "MinIO's S3" },
    { target: 9001, variable: 'STACK_MINIO_CONSOLE_PORT', what: "MinIO's console" },
  ],
};

/** A port of a service as Compose is going to publish it on this machine. */
export interface PublishedPort extends ServicePort {
  readonly service: string;
  readonly host: string;
  readonly port: number;
}

/** What Docker tells of a container of the stack. */
export interface ContainerState {
  readonly service: string;
  /** `running`, `exited` and the like. */
  readonly state: string;
  /** `healthy`, `unhealthy`, `starting`; empty if there is no check. */
  readonly health: string;
  readonly image: string;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The ports that the configuration of Compose publishes. @param json of `docker compose config --format json` */
export const publishedPorts = (json: string): PublishedPort[] => {
  const { services = {} } = JSON.parse(json) as { services?: Record<string, { ports?: { target: number; published?: string; host_ip?: string }[] }> };
  return Object.entries(SERVICES).flatMap(([service, ports]) =>
    ports.flatMap((each) => {
      const found = services[service]?.ports?.find(({ target }) => target === each.target);
      return found?.published === undefined ? [] : [{ ...each, service, host: found.host_ip ?? '127.0.0.1', port: Number(found.published) }];
    }),
  );
};

/** The containers that `docker compose ps --all --format json` tells of: a list, or a document a line, as the version of Compose has it. */
export const containerStates = (output: string): ContainerState[] => {
  const text = output.trim();
  const documents = text.startsWith('[') ? (JSON.parse(text) as unknown[]) : text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as unknown);
  return documents.map((document) => {
    const { Service, State, Health, Image } = document as Record<string, unknown>;
    return { service: textOf(Service), state: textOf(State), health: textOf(Health), image: textOf(Image) };
  });
};

/** The table of `status`: every service, whether it runs or not. */
export const statusTable = (states: readonly ContainerState[], ports: readonly PublishedPort[]): string[] => {
  const rows = Object.keys(SERVICES).map((service) => {
    const found = states.find((each) => each.service === service);
    const places = ports.filter((each) => each.service === service).map(({ host, port }) => `${host}:${port}`);
    return [service, found?.state || 'not there', found?.health || '-', places.join(' '), found?.image || '-'];
  });
  const all = [['service', 'state', 'health', 'at', 'image'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
};
