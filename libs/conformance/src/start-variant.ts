import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isEmulated } from '@pinlane/adapters';
import { PROCESSOR_ENV, type Lane, type ProcessorSpec, type RunnableImage, type RunningProcessor, type Runtime } from '@pinlane/contracts';
import type { Variant } from './subject/subject.ts';

const START_TIMEOUT_MS = 30_000;
/** QEMU takes several times as long for what a processor does when it starts. */
const EMULATED_START_TIMEOUT_MS = 180_000;
/** More processes and threads than a processor should need, and too few to harm this machine. */
const PIDS = 512;
const SPEC_FILE = 'registry.yaml';

// A connection breaks a moment before the runtime knows that the processor has ended, and why.
const END_STEP_MS = 25;
const END_STEPS = 20;

const endOf = async ({ ended }: RunningProcessor): Promise<string | null> => {
  for (let step = 0; step < END_STEPS && ended() === null; step += 1) await sleep(END_STEP_MS);
  return ended();
};

/** The same processor; if a request breaks because the processor has ended, the error says why it did, such as for a memory limit. */
const explained = (running: RunningProcessor): RunningProcessor => ({
  ...running,
  request: (request) =>
    running.request(request).catch(async (error: unknown) => {
      const why = await endOf(running);
      throw why === null ? error : new Error(`${(error as Error).message}: the processor ${why}`, { cause: error });
    }),
});

/** What is started, and how. */
export interface Start {
  readonly runtime: Runtime;
  readonly image: RunnableImage;
  readonly spec: ProcessorSpec;
  readonly lane: Lane;
  /** Where each variant gets a folder of its own. */
  readonly folder: string;
  readonly signal: AbortSignal | undefined;
}

/** Makes the artifacts root of a variant. The folder around it shows if the processor writes beside its root. */
const makeArtifacts = async (folder: string, { name, spec }: Variant): Promise<string> => {
  const artifacts = join(await mkdtemp(join(folder, `${name}-`)), 'artifacts');
  await mkdir(artifacts);
  if (spec !== null) await writeFile(join(artifacts, SPEC_FILE), JSON.stringify(spec));
  return artifacts;
};

/** Starts the image in one of its variants, with an artifacts root of its own. @throws whatever the runtime throws */
export const startVariant = async ({ runtime, image, spec, lane, folder, signal }: Start, variant: Variant): Promise<RunningProcessor> => {
  const artifacts = await makeArtifacts(folder, variant);
  const running = await runtime.start({
    image,
    limits: { cpus: spec.runtime.cpu, memoryBytes: Math.round(spec.runtime.memory_gb * 2 ** 30), pids: PIDS },
    env: {
      ...variant.secrets,
      [PROCESSOR_ENV.environment]: lane,
      ...(variant.digest ? { [PROCESSOR_ENV.imageDigest]: image.digest } : {}),
      ...(variant.spec === null ? {} : { [PROCESSOR_ENV.spec]: `${runtime.artifactsRootOf(artifacts)}/${SPEC_FILE}` }),
    },
    port: spec.build.port,
    artifacts,
    until: variant.until,
    startTimeoutMs: isEmulated(image.platform) ? EMULATED_START_TIMEOUT_MS : START_TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
  });
  return explained(running);
};
