import { fail, isPinlaneError } from '@pinlane/contracts';
import type { BridgeFolder } from '../bridge-client.ts';
import type { BridgeOrder } from '../bridge.ts';
import { ARTIFACTS_ROOT } from '../processor-env.ts';
import { createLogBuffer } from '../log-buffer.ts';
import { bridgeArgs } from './arguments.ts';
import { startAttached, type Attached } from './attached.ts';
import { bridgeImage } from './bridge-image.ts';
import type { Docker } from './daemon.ts';
import { createOf } from './images.ts';
import { ownNodeFiles } from './own-node.ts';

/** The container whose network the processor's container joins. */
export interface BridgeContainer {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The processor's user, because only the one who wrote the artifacts can hand them over. */
  readonly uid: number;
  readonly gid: number;
  readonly folder: BridgeFolder;
  readonly artifacts: string;
  /** Where the processor will listen. */
  readonly port: number;
}

const FOLDER = '/bridge';
const FIX = "Docker must see this machine's files; else use another runtime, --runtime=bubblewrap.";

/** A daemon on another machine, or in a container of its own such as docker:dind, does not have the files that are to be mounted. */
const explained = (error: unknown): never => {
  if (isPinlaneError(error, 'ERR_ADAPTER') && /bind source path does not exist/i.test(error.message))
    return fail('ERR_RUNTIME_UNAVAILABLE', "the Docker daemon does not see this machine's files", { cause: error, fix: FIX });
  throw error;
};

/** Creates the container. @throws ERR_RUNTIME_UNAVAILABLE if the daemon does not see this machine's files, ERR_ADAPTER */
export const createBridge = async (docker: Docker, plan: BridgeContainer, signal?: AbortSignal): Promise<void> => {
  const mounts = [
    ...ownNodeFiles().map((file) => ({ source: file, target: file, writable: false })),
    { source: plan.folder.shared, target: FOLDER, writable: true },
    { source: plan.artifacts, target: ARTIFACTS_ROOT, writable: true },
  ];
  const command = [process.execPath, `${FOLDER}/bridge.cjs`, FOLDER];
  const create = (imageId: string) => docker.run(bridgeArgs({ ...plan, imageId, mounts, command }, docker.facts), { signal });
  await createOf(docker, await bridgeImage(), create, signal).catch(explained);
};

/** Starts the container, and returns once the bridge listens. @throws ERR_RUNTIME_UNAVAILABLE with what it said */
export const startBridge = async (docker: Docker, { name, port }: BridgeContainer): Promise<Attached> => {
  const order: BridgeOrder = { setup: [], command: null, env: {}, secretArgs: null, cwd: null, port, depth: 0 };
  const said = createLogBuffer();
  let listens = (): void => {};
  const listening = new Promise<boolean>((resolve) => (listens = () => resolve(true)));
  const bridge = startAttached(docker, name, {
    interactive: true,
    output: (stream, chunk) => {
      said.add(stream, chunk);
      if (said.of('stdout').includes('ready\n')) listens();
    },
  });
  bridge.write(`${JSON.stringify(order)}\n`);
  if (await Promise.race([listening, bridge.exited.then(() => false)])) return bridge;
  return fail('ERR_RUNTIME_UNAVAILABLE', `the bridge into the container's network could not be started: ${said.all().trim()}`, { fix: FIX });
};
