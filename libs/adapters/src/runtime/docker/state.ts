import type { RunLimits } from '@pinlane/contracts';
import type { Docker } from './daemon.ts';

/** What `docker inspect` tells about a container that has ended. */
export interface ContainerState {
  readonly exitCode: number;
  readonly outOfMemory: boolean;
  /** Why it could not be started; empty if it could. */
  readonly error: string;
}

/** Reads a container's `.State`. */
export const parseState = (text: string): ContainerState => {
  const state = JSON.parse(text) as Readonly<Record<string, unknown>>;
  return { exitCode: Number(state['ExitCode']), outOfMemory: state['OOMKilled'] === true, error: String(state['Error'] ?? '') };
};

export const readState = async (docker: Docker, container: string): Promise<ContainerState> =>
  parseState((await docker.run(['container', 'inspect', '--format', '{{json .State}}', container])).stdout);

/** Says why a container ended. */
export const describeEnd = ({ exitCode, outOfMemory, error }: ContainerState, { memoryBytes }: RunLimits): string =>
  error !== ''
    ? `could not be started: ${error}`
    : outOfMemory
      ? `was killed, because it went over its memory limit of ${Math.round(memoryBytes / 2 ** 20)} MiB (runtime.memory_gb)`
      : `ended with exit code ${exitCode}`;
