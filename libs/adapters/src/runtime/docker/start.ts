import { randomBytes } from 'node:crypto';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, isPinlaneError, type NetworkView, type RunningProcessor, type StartOptions } from '@pinlane/contracts';
import { awaitAnswer } from '../await-answer.ts';
import { makeBridgeFolder, type BridgeFolder } from '../bridge-client.ts';
import { isEmulated } from '../emulation.ts';
import { commandOf, userOf } from '../image-config.ts';
import { isolationOf } from '../isolation.ts';
import { DEFAULT_GRACE_MS } from '../launch.ts';
import { ARTIFACTS_ROOT, processorEnv } from '../layout.ts';
import { createLogBuffer } from '../log-buffer.ts';
import { stopOnce } from '../stop-once.ts';
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

const namesFor = ({ image }: StartOptions): Names => {
  const run = `pinlane-${image.name}-${randomBytes(6).toString('hex')}`;
  return { processor: run, bridge: `${run}-bridge`, labels: { 'dev.pinlane.run': run, 'dev.pinlane.image': image.digest, ...ownerLabels(thisOwner()) } };
};

/** Creates the processor's container, of the very image that was asked for; its environment is in no argument and in no file for long. */
const createProcessor = async (docker: Docker, names: Names, folder: BridgeFolder, options: StartOptions): Promise<void> => {
  const { image, limits, signal } = options;
  const user = await userOf(image);
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

/**
 * Starts an image in a container of its own, whose network is that of another container: the bridge's, which has nothing but loopback. Works
 * for any user that may speak to the daemon, because it is the daemon that enters the network.
 * @throws ERR_IMAGE_ROOT, ERR_PLATFORM_UNRUNNABLE, ERR_START_FAILED with the end of the log, ERR_RUNTIME_UNAVAILABLE, ERR_CANCELLED
 */
export const startInDocker = async (docker: Docker, options: StartOptions): Promise<RunningProcessor> => {
  const { image, signal } = options;
  commandOf(image.config);
  const user = await userOf(image);
  if (user.uid === 0) return fail('ERR_IMAGE_ROOT', `the image of ${image.name} ${image.digest} runs as root, which the runtime docker does not do`);
  const names = namesFor(options);
  const folder = await makeBridgeFolder();
  const callOff = watchOver(docker, { containers: [names.processor, names.bridge], folder: folder.path });
  const log = createLogBuffer();
  let processor: Attached | undefined;
  let bridge: Attached | undefined;
  let stopped = false;
  let ended: string | null = null;

  const end = async (): Promise<void> => {
    stopped = true;
    await folder.ask({ op: 'release', folder: ARTIFACTS_ROOT }).catch(() => null);
    await docker.run(['rm', '--force', '--volumes', names.processor, names.bridge], { expectedCodes: [1] });
    await Promise.all([processor?.exited, bridge?.exited]);
    callOff();
    await folder.remove();
  };
  const why = async (): Promise<string> => describeEnd(await readState(docker, names.processor), options.limits);

  try {
    // The processor writes below it as a user that may be any; the folder around it is this user's alone.
    await chmod(options.artifacts, 0o777);
    const plan = { name: names.bridge, labels: names.labels, ...user, folder, artifacts: options.artifacts, port: options.port };
    const both = await Promise.allSettled([
      createBridge(docker, plan, signal).then(async () => (bridge = await startBridge(docker, plan))),
      createProcessor(docker, names, folder, options),
    ]);
    // Only once both have come to an end is there nothing more to be made that would have to be removed.
    for (const one of both) if (one.status === 'rejected') throw one.reason;
    const started = (processor = startAttached(docker, names.processor, { interactive: false, output: log.add }));
    void started.exited.then(async () => {
      if (stopped) return;
      const text = await why().catch(() => null);
      if (!stopped) ended = text;
    });
    const { startedAt, exited, running } = started;
    const healthyAfterMs = await awaitAnswer({ startedAt, exited, running, request: folder.request, end, why, logs: log.all }, options);
    let suspended = false;
    const stop = stopOnce({
      ask: async (graceMs) => {
        stopped = true;
        // Docker would let a suspended container go on to hear a signal.
        if (running() && !suspended && graceMs > 0) await docker.run(['kill', '--signal', 'TERM', names.processor], { expectedCodes: [1] });
      },
      exited,
      end,
      signal,
    });

    return {
      isolation: isolationOf('docker', image.platform, docker.facts.limits),
      healthyAfterMs,
      artifacts: options.artifacts,
      artifactsRoot: ARTIFACTS_ROOT,
      port: options.port,
      request: folder.request,
      observeNetwork: async (targets) => (await folder.ask({ op: 'observe', targets })) as NetworkView,
      suspend: async () => {
        await docker.run(['pause', names.processor]);
        suspended = true;
      },
      resume: async () => {
        suspended = false;
        await docker.run(['unpause', names.processor]);
      },
      logs: log.all,
      stderr: () => log.of('stderr'),
      ended: () => ended,
      stop: (graceMs = DEFAULT_GRACE_MS) => stop(graceMs),
    };
  } catch (error) {
    if (!stopped) await end();
    if (isPinlaneError(error, 'ERR_START_FAILED') && isEmulated(image.platform) && /exec format error/i.test(error.message))
      return fail('ERR_PLATFORM_UNRUNNABLE', `Docker cannot run an image for ${image.platform} here: ${error.message}`);
    throw error;
  }
};
