import { randomBytes } from 'node:crypto';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, isPinlaneError, type RunnableImage, type RunningProcessor, type StartOptions } from '@pinlane/contracts';
import { awaitAnswer } from '../await-answer.ts';
import { behindBridge, makeBridgeFolder, type BridgeFolder } from '../bridge-client.ts';
import { isEmulated } from '../emulation.ts';
import { commandOf, userOf } from '../image-config.ts';
import { isolationOf } from '../isolation.ts';
import { ARTIFACTS_ROOT, processorEnv } from '../processor-env.ts';
import { logBufferFor, type LogBuffer } from '../log-buffer.ts';
import { DEFAULT_GRACE_MS, stopOnce } from '../stop-once.ts';
import { environmentOf, processorArgs, type Mount } from './arguments.ts';
import { startAttached, type Attached } from './attached.ts';
import { createBridge, startBridge } from './bridge.ts';
import type { Docker } from './daemon.ts';
import { createOf } from './images.ts';
import { ownerLabels, thisOwner } from './owner.ts';
import { describeEnd, readState } from './state.ts';
import { watchOver } from './watch.ts';

/** The names of a start's containers, and what each of them is labelled with. */
interface Names {
  readonly processor: string;
  readonly bridge: string;
  readonly labels: Readonly<Record<string, string>>;
}

type User = Awaited<ReturnType<typeof userOf>>;

/** One processor in Docker, from its start to its end. */
interface Run {
  readonly docker: Docker;
  readonly options: StartOptions;
  readonly user: User;
  readonly names: Names;
  readonly folder: BridgeFolder;
  readonly log: LogBuffer;
  /** Docker's clients, one for each container that was started. */
  readonly attached: Attached[];
  /** Calls off the watch over this process. */
  callOff(): void;
  /** Whether it was told to end, so that its end is no news. */
  stopped: boolean;
  /** What is to be said of it, if it was ended because it wrote too much. */
  flooded?: string;
}

const namesFor = ({ image }: StartOptions): Names => {
  const run = `pinlane-${image.name}-${randomBytes(6).toString('hex')}`;
  return { processor: run, bridge: `${run}-bridge`, labels: { 'dev.pinlane.run': run, 'dev.pinlane.image': image.digest, ...ownerLabels(thisOwner()) } };
};

/** The user of an image that can be run here at all. @throws ERR_MANIFEST_INVALID, ERR_IMAGE_ROOT */
const requireUser = async (image: RunnableImage): Promise<User> => {
  commandOf(image.config);
  const user = await userOf(image);
  if (user.uid === 0) fail('ERR_IMAGE_ROOT', `the image of ${image.name} ${image.digest} runs as root, which the runtime docker does not do`);
  return user;
};

const beginRun = async (docker: Docker, options: StartOptions, user: User): Promise<Run> => {
  const names = namesFor(options);
  const folder = await makeBridgeFolder(options.signal);
  const callOff = watchOver(docker, { containers: [names.processor, names.bridge], folder: folder.path });
  const run: Run = { docker, options, user, names, folder, log: logBufferFor(options.onOutput, (why) => flooded(why)), attached: [], callOff, stopped: false };
  const flooded = (why: string): void => {
    run.flooded = why;
    void docker.run(['kill', '--signal', 'KILL', names.processor], { expectedCodes: [1] }).catch(() => null);
  };
  return run;
};

/** Ends a run and removes everything that was made for it. */
const endRun = async (run: Run): Promise<void> => {
  const { docker, names, folder, attached } = run;
  run.stopped = true;
  // First the processor, which could go on changing what is released.
  await docker.run(['rm', '--force', '--volumes', names.processor], { expectedCodes: [1] });
  await folder.ask({ op: 'release', folder: ARTIFACTS_ROOT }).catch(() => null);
  await docker.run(['rm', '--force', '--volumes', names.bridge], { expectedCodes: [1] });
  await Promise.all(attached.map(({ exited }) => exited));
  run.callOff();
  await folder.remove();
};

const whyEnded = async ({ docker, names, options, flooded }: Run): Promise<string> =>
  flooded ?? describeEnd(await readState(docker, names.processor), options.limits);

/** Creates the processor's container, of the very image that was asked for; its environment is in no argument and in no file for long. */
const createProcessor = async ({ docker, names, folder, user, options }: Run): Promise<void> => {
  const { image, limits, signal } = options;
  const env = environmentOf(processorEnv(options, ARTIFACTS_ROOT, options.port));
  const envFile = join(folder.path, 'environment');
  await writeFile(envFile, env.file, { mode: 0o600 });
  const mounts: Mount[] = [{ source: options.artifacts, target: ARTIFACTS_ROOT, writable: true }];
  const plan = { name: names.processor, labels: names.labels, ...user, platform: image.platform, networkOf: names.bridge, limits, envFile, mounts };
  const create = (imageId: string) => docker.run(processorArgs({ ...plan, imageId, envNames: Object.keys(env.own) }, docker.facts), { signal, env: env.own });
  const imageId = await createOf(docker, image, create, signal).finally(() => rm(envFile, { force: true }));
  const { stdout } = await docker.run(['container', 'inspect', '--format', '{{.Image}}', names.processor], { signal });
  if (stdout.trim() !== imageId) fail('ERR_DIGEST_MISMATCH', `Docker made a container of ${stdout.trim()} in place of ${imageId}`);
};

/** Creates both containers and starts them, the bridge first. Returns the processor's. */
const startContainers = async (run: Run): Promise<Attached> => {
  const { docker, options, user, names, folder, log, attached } = run;
  // The processor may run as any user, and writes here. No other user can enter the folder around it.
  await chmod(options.artifacts, 0o777);
  const plan = { name: names.bridge, labels: names.labels, ...user, folder, artifacts: options.artifacts, port: options.port };
  const both = await Promise.allSettled([
    createBridge(docker, plan, options.signal).then(async () => attached.push(await startBridge(docker, plan))),
    createProcessor(run),
  ]);
  // A failure is thrown only when both have ended: from then on nothing is made that nobody would remove.
  for (const one of both) if (one.status === 'rejected') throw one.reason;
  const processor = startAttached(docker, names.processor, { interactive: false, output: log.add });
  attached.push(processor);
  return processor;
};

/** The processor of a run, once it answers. @throws ERR_START_FAILED with the end of the log, ERR_CANCELLED */
const whenAnswering = async (run: Run, { startedAt, exited, running }: Attached): Promise<RunningProcessor> => {
  const { docker, options, names, folder, log } = run;
  const end = (): Promise<void> => endRun(run);
  let ended: string | null = null;
  void exited.then(async () => {
    if (run.stopped) return;
    const text = await whyEnded(run).catch(() => null);
    if (!run.stopped) ended = text;
  });
  const starting = { startedAt, exited, running, request: folder.request, end, why: () => whyEnded(run), logs: log.all };
  const healthyAfterMs = await awaitAnswer(starting, options);
  let suspended = false;
  const ask = async (graceMs: number): Promise<void> => {
    run.stopped = true;
    // To deliver a signal, Docker would let a suspended container go on.
    if (running() && !suspended && graceMs > 0) await docker.run(['kill', '--signal', 'TERM', names.processor], { expectedCodes: [1] });
  };
  const stop = stopOnce({ ask, exited, end, signal: options.signal });
  return {
    ...behindBridge(folder, log, options),
    isolation: isolationOf('docker', options.image.platform, docker.facts.limits),
    healthyAfterMs,
    artifactsRoot: ARTIFACTS_ROOT,
    port: options.port,
    suspend: async () => {
      await docker.run(['pause', names.processor]);
      suspended = true;
    },
    resume: async () => {
      suspended = false;
      await docker.run(['unpause', names.processor]);
    },
    ended: () => ended,
    stop: (graceMs = DEFAULT_GRACE_MS) => stop(graceMs),
  };
};

/**
 * Starts an image in a container that shares the network of the bridge's container, which has nothing but loopback. Any user who may speak to the daemon
 * can do this, because it is the daemon that enters the network.
 * @throws ERR_IMAGE_ROOT, ERR_PLATFORM_UNRUNNABLE, ERR_START_FAILED with the end of the log, ERR_RUNTIME_UNAVAILABLE, ERR_CANCELLED
 */
export const startInDocker = async (docker: Docker, options: StartOptions): Promise<RunningProcessor> => {
  const { platform } = options.image;
  const run = await beginRun(docker, options, await requireUser(options.image));
  try {
    return await whenAnswering(run, await startContainers(run));
  } catch (error) {
    if (!run.stopped) await endRun(run);
    if (isPinlaneError(error, 'ERR_START_FAILED') && isEmulated(platform) && /exec format error/i.test(error.message))
      return fail('ERR_PLATFORM_UNRUNNABLE', `Docker cannot run an image for ${platform} here: ${error.message}`);
    throw error;
  }
};
