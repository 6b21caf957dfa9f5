import type { CommandForm, HealthTimes } from '../dockerfile/index.ts';
import type { ImageExecution } from '../content/index.ts';
import type { Ports } from './ports.ts';

/** How a container starts; changed by the instructions of a stage. */
export interface Execution {
  user: string;
  /** As the config lists them, `name=value`, by their names. */
  env: Map<string, string>;
  entrypoint: string[] | undefined;
  cmd: string[] | undefined;
  workingDirectory: string;
  labels: Map<string, string>;
  ports: Ports;
  volumes: Set<string>;
  stopSignal: string | undefined;
  shell: string[] | undefined;
  health: ImageExecution['Healthcheck'];
  /** Whether this stage has set CMD; if so, ENTRYPOINT does not reset it. */
  cmdIsOwn: boolean;
}

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const DEFAULT_SHELL = ['/bin/sh', '-c'];

const nameIn = (entry: string): string => entry.split('=', 1)[0]!;

/** Entries by their names; of several that have the same one, the first counts, and the others stay where they are. */
const byName = (entries: readonly string[]): Map<string, string> => {
  const named = new Map<string, string>();
  for (const [at, entry] of entries.entries()) named.set(named.has(nameIn(entry)) ? `${nameIn(entry)}=${at}` : nameIn(entry), entry);
  return named;
};

/** What a stage inherits from its base; without one, what BuildKit gives to `scratch`. */
export const inheritExecution = (base: ImageExecution | undefined): Execution => ({
  user: base?.User ?? '',
  env: byName(base ? (base.Env ?? []) : [DEFAULT_PATH]),
  entrypoint: base?.Entrypoint && [...base.Entrypoint],
  cmd: base?.Cmd && [...base.Cmd],
  workingDirectory: base?.WorkingDir || '/',
  labels: new Map(Object.entries(base?.Labels ?? {})),
  ports: { inherited: Object.keys(base?.ExposedPorts ?? {}), own: new Map() },
  volumes: new Set(Object.keys(base?.Volumes ?? {})),
  stopSignal: base?.StopSignal,
  shell: base?.Shell && [...base.Shell],
  health: base?.Healthcheck,
  cmdIsOwn: false,
});

/** What a stage inherits from another stage. */
export const copyExecution = (from: Execution): Execution => ({
  ...from,
  env: new Map(from.env),
  labels: new Map(from.labels),
  volumes: new Set(from.volumes),
  cmdIsOwn: false,
});

export const environmentOf = ({ env }: Execution): Map<string, string> =>
  new Map(Array.from(env.values(), (entry) => [nameIn(entry), entry.slice(nameIn(entry).length + 1)]));

/** Sets a variable in its place, or at the end if it is new. */
export const setEnvironment = ({ env }: Execution, name: string, value: string): void => {
  env.set(name, `${name}=${value}`);
};

/** What a command starts: the words of the JSON form, or the shell with the line. */
export const argvOf = (command: CommandForm, { shell }: Execution): string[] =>
  command.form === 'exec' ? [...command.argv] : [...(shell ?? DEFAULT_SHELL), command.line];

export const setHealth = (execution: Execution, check: 'none' | { readonly command: CommandForm; readonly times: HealthTimes }): void => {
  if (check === 'none') {
    execution.health = { Test: ['NONE'] };
    return;
  }
  const { command, times } = check;
  const test = command.form === 'exec' ? ['CMD', ...command.argv] : ['CMD-SHELL', command.line];
  execution.health = { Test: test, ...times };
};
