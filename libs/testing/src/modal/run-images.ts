import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { RunnableImage, Runtime } from '@pinlane/contracts';
import type { StartContainer } from './fronts.ts';

/** How images are run. */
export interface ImageHosting {
  readonly runtime: Runtime;
  /** Pulls the image of a reference by its digest. */
  readonly open: (reference: string) => Promise<RunnableImage>;
  /** A folder of the test, for what the containers write. */
  readonly folder: string;
}

/** Any container of a test is small. */
const LIMITS = { cpus: 1, memoryBytes: 2 ** 30, pids: 512 };
const START_MS = 120_000;

/**
 * Runs the very image that is asked for, with the variables that the control plane recorded for it and nothing of this process's. A command stands in
 * place of the image's CMD; its ENTRYPOINT stays.
 */
export const runImages =
  ({ runtime, open, folder }: ImageHosting): StartContainer =>
  async ({ reference, environment, arguments: command, port }) => {
    const image = await open(reference);
    mkdirSync(folder, { recursive: true });
    const running = await runtime.start({
      image: command.length === 0 ? image : { ...image, config: { ...image.config, Cmd: command } },
      limits: LIMITS,
      env: Object.fromEntries(environment),
      port,
      artifacts: mkdtempSync(join(folder, 'artifacts-')),
      until: 'answering',
      startTimeoutMs: START_MS,
    });
    return { socketPath: running.socket, stop: () => running.stop(0) };
  };
