import type { Platform, RunLimits } from '@pinlane/contracts';
import { csv } from '../../docker/csv.ts';
import { SANDBOX_BYTES } from '../sandbox-limits.ts';
import type { DaemonFacts } from './daemon.ts';

/** What both containers of a start have in common. */
interface ContainerPlan {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly imageId: string;
  readonly uid: number;
  readonly gid: number;
}

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly writable: boolean;
}

export interface ProcessorPlan extends ContainerPlan {
  readonly platform: Platform;
  /** The container whose network it joins. */
  readonly networkOf: string;
  readonly limits: RunLimits;
  /** A file of NAME=value lines. */
  readonly envFile: string;
  /** Variables whose values the client takes from its own environment. */
  readonly envNames: readonly string[];
  readonly mounts: readonly Mount[];
}

export interface BridgePlan extends ContainerPlan {
  readonly mounts: readonly Mount[];
  readonly command: readonly string[];
}

const mountArgs = (mounts: readonly Mount[]): string[] =>
  mounts.flatMap(({ source, target, writable }) => [
    '--mount',
    ['type=bind', csv(`source=${source}`), csv(`target=${target}`), ...(writable ? [] : ['readonly'])].join(','),
  ]);

/** The container has no root, no capability and no way to gain any, and can write to mounts alone. Docker pulls nothing for it, and keeps no log of it. */
const common = ({ name, labels, uid, gid }: ContainerPlan): string[] => [
  ...['create', '--pull', 'never', '--name', name, ...Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`])],
  ...['--user', `${uid}:${gid}`, '--read-only', '--security-opt', 'no-new-privileges', '--cap-drop', 'ALL'],
  ...['--log-driver', 'none', '--no-healthcheck', '--restart', 'no'],
];

/** The limits, as far as the daemon can enforce them. Docker refuses more CPUs than there are. */
const limitArgs = ({ cpus, memoryBytes, pids }: RunLimits, { limits, cpus: there }: DaemonFacts): string[] => [
  ...(limits.cpu ? ['--cpus', String(Math.min(cpus, there))] : []),
  // The second number counts memory and swap together, so there is no swap.
  ...(limits.memory ? ['--memory', String(memoryBytes), '--memory-swap', String(memoryBytes)] : []),
  ...(limits.pids ? ['--pids-limit', String(pids)] : []),
];

/** The arguments that create the processor's container. */
export const processorArgs = (plan: ProcessorPlan, facts: DaemonFacts): string[] => [
  ...common(plan),
  ...['--platform', plan.platform, '--network', `container:${plan.networkOf}`],
  ...limitArgs(plan.limits, facts),
  // The user owns it, because runc gives a tmpfs the mode of the folder that it covers, which may let nobody else write.
  ...[
    '--tmpfs',
    `/tmp:rw,exec,nosuid,nodev,mode=1777,size=${SANDBOX_BYTES.tmp},uid=${plan.uid},gid=${plan.gid}`,
    '--shm-size',
    String(SANDBOX_BYTES.sharedMemory),
    '--env-file',
    plan.envFile,
    ...plan.envNames.flatMap((name) => ['--env', name]),
  ],
  ...mountArgs(plan.mounts),
  plan.imageId,
];

const BRIDGE_LIMITS: RunLimits = { cpus: 1, memoryBytes: 256 * 2 ** 20, pids: 64 };

/** The arguments that create the bridge's container, whose network has nothing but loopback. It goes when whoever started it goes. */
export const bridgeArgs = (plan: BridgePlan, facts: DaemonFacts): string[] => [
  ...common(plan),
  ...['--interactive', '--rm', '--network', 'none', '--hostname', 'processor'],
  ...limitArgs(BRIDGE_LIMITS, facts),
  ...mountArgs(plan.mounts),
  plan.imageId,
  ...plan.command,
];

/**
 * The environment, in the two forms in which no value shows in an argument: lines of a file, and, for values of several lines, variables of Docker's client
 * itself.
 */
export const environmentOf = (env: Readonly<Record<string, string>>): { readonly file: string; readonly own: Readonly<Record<string, string>> } => {
  const entries = Object.entries(env);
  const isLine = ([, value]: readonly [string, string]): boolean => !/[\r\n]/.test(value);
  return {
    file: entries
      .filter(isLine)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
    own: Object.fromEntries(entries.filter((entry) => !isLine(entry))),
  };
};
