import { PROCESSOR_ENV, type RunnableImage, type RunningProcessor, type Runtime } from '@pinlane/contracts';
import { makeFolder } from '@pinlane/oci';
import type { DeploymentPlan } from '@pinlane/pipeline';
import { isEmulated } from '../../runtime/index.ts';

const START_TIMEOUT_MS = 30_000;
/** QEMU takes several times as long for what a processor does when it starts. */
const EMULATED_START_TIMEOUT_MS = 180_000;
/** More processes and threads than a processor should need, and too few to harm this machine. */
const PIDS = 512;

/** How long a start may take, in ms. */
export const startTimeoutOf = ({ platform }: Pick<DeploymentPlan, 'platform'>): number => (isEmulated(platform) ? EMULATED_START_TIMEOUT_MS : START_TIMEOUT_MS);

/** What a start needs besides its plan. */
export interface LocalStart {
  readonly runtime: Runtime;
  readonly image: RunnableImage;
  readonly secrets: Readonly<Record<string, string>>;
  readonly artifacts: string;
  readonly onOutput?: (chunk: Uint8Array) => void;
  readonly signal: AbortSignal;
}

/** Starts the image of a plan on this machine, and waits until it is healthy. @throws what the runtime throws */
export const startLocal = async (plan: DeploymentPlan, { runtime, image, secrets, artifacts, onOutput, signal }: LocalStart): Promise<RunningProcessor> => {
  await makeFolder(artifacts);
  const { cpu, memoryGb } = plan.settings.resources;
  return runtime.start({
    image,
    limits: { cpus: cpu, memoryBytes: Math.round(memoryGb * 2 ** 30), pids: PIDS },
    env: { ...plan.env, ...secrets, [PROCESSOR_ENV.imageDigest]: image.digest },
    port: plan.settings.port,
    artifacts,
    until: 'healthy',
    startTimeoutMs: startTimeoutOf(plan),
    ...(onOutput === undefined ? {} : { onOutput }),
    signal,
  });
};
