import { Readable } from 'node:stream';
import type { Availability } from '@pinlane/contracts';
import { createProcessRunner, findProgram, type ProcessResult } from '../../process/index.ts';
import { askedOnce } from '../trial.ts';

/** What `docker info` tells about the daemon. */
export interface DaemonFacts {
  readonly version: string;
  readonly os: string;
  readonly cpus: number;
  /** Limits that it can enforce. */
  readonly limits: { readonly cpu: boolean; readonly memory: boolean; readonly pids: boolean };
}

export interface DockerRun {
  readonly input?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
  /** Variables that the client itself gets, besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes that are answers, besides 0. */
  readonly expectedCodes?: readonly number[];
}

/** A Docker daemon that answered. */
export interface Docker {
  /** The client's absolute path. */
  readonly program: string;
  readonly facts: DaemonFacts;
  /** Runs one command of the client. @throws ERR_ADAPTER with what it said, ERR_CANCELLED */
  run(args: readonly string[], options?: DockerRun): Promise<ProcessResult>;
}

const ANSWER_WITHIN_MS = 10_000;
const FIX = 'Install Docker and start it, or name another runtime with --runtime.';

/** Reads `docker info --format {{json .}}`; null if the client answers, and the daemon does not. */
export const parseInfo = (text: string): DaemonFacts | null => {
  const info = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const { ServerVersion: version, OSType: os, NCPU: cpus } = info;
  if (typeof version !== 'string' || version === '') return null;
  const limits = { cpu: info['CpuCfsQuota'] === true, memory: info['MemoryLimit'] === true, pids: info['PidsLimit'] === true };
  return { version, os: String(os), cpus: Number(cpus) || 1, limits };
};

const missing = (reason: string) => ({ available: false, reason, fix: FIX }) as const;

const connect = async (signal?: AbortSignal): Promise<Docker | Exclude<Availability, { available: true }>> => {
  if (process.platform !== 'linux') return missing('its bridge into the network of a container runs on Linux alone');
  const program = findProgram('docker');
  if (program === null) return missing('docker is not installed');
  const { run } = createProcessRunner();
  const asked = await run({
    command: program,
    args: ['info', '--format', '{{json .}}'],
    timeoutMs: ANSWER_WITHIN_MS,
    expectedCodes: [1],
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => (signal?.aborted ? Promise.reject(error) : null));
  const facts = asked === null || !asked.stdout.startsWith('{') ? null : parseInfo(asked.stdout);
  if (facts === null) return missing(`no Docker daemon answers to ${program}`);
  if (facts.os !== 'linux') return missing(`the Docker daemon runs ${facts.os} containers`);
  return {
    program,
    facts,
    run: (args, { input, signal, env = {}, expectedCodes = [] } = {}) =>
      run({
        command: program,
        args,
        expectedCodes,
        env,
        secrets: Object.values(env),
        ...(input === undefined ? {} : { input: Readable.from(input, { objectMode: false }) }),
        ...(signal === undefined ? {} : { signal }),
      }),
  };
};

/** The daemon that the client is set up for, or why there is none; asked once in a process. */
export const findDocker = askedOnce(connect);
