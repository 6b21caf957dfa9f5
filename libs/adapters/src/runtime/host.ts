import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { fail, IMAGE_SPEC_PATH, PROCESSOR_ENV, type Runtime } from '@pinlane/contracts';
import { lstatIfThere } from '@pinlane/oci';
import { imageProcess } from './image-config.ts';
import { processorEnv } from './processor-env.ts';
import { isEmulated } from './emulation.ts';
import { isolationOf } from './isolation.ts';
import { launch, type LaunchPlan } from './launch.ts';

/** A port on which nothing listens. Another process may take it before the processor does; then the start fails and says so. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

const inRootfs = (rootfs: string, path: string): string => {
  const place = join(rootfs, path);
  return path.startsWith('/') && lstatIfThere(place) !== undefined ? place : path;
};

/**
 * Runs an image's JavaScript with this machine's own Node, for machines that have nothing better. It isolates nothing:
 * the network, the files and the user are this machine's, and the image's system libraries are not used at all.
 */
export const hostRuntime: Runtime = {
  name: 'host',
  availability: async () => ({ available: true, version: `Node ${process.versions.node}` }),
  artifactsRootOf: (artifacts) => artifacts,
  start: async (options) => {
    const { image } = options;
    if (isEmulated(image.platform))
      return fail('ERR_PLATFORM_UNRUNNABLE', `the runtime host runs this machine's own Node, which says nothing of an image for ${image.platform}`);
    const rootfs = await image.rootfs();
    const port = await freePort();
    const { argv, env, cwd } = await imageProcess(rootfs, image.config, processorEnv(options, options.artifacts, port));
    const [program, ...args] = argv;
    if (basename(program) !== 'node')
      return fail('ERR_RUNTIME_UNAVAILABLE', `the runtime host runs Node alone, and this image runs ${JSON.stringify(program)}`, {
        fix: 'Install bubblewrap, or name another runtime with --runtime.',
      });
    const plan: LaunchPlan = {
      isolation: isolationOf('host', image.platform),
      outer: [],
      order: {
        setup: [],
        command: [process.execPath, ...args.map((arg) => inRootfs(rootfs, arg))],
        env: { [PROCESSOR_ENV.spec]: inRootfs(rootfs, IMAGE_SPEC_PATH), ...env },
        secretArgs: null,
        cwd: inRootfs(rootfs, cwd),
        port,
        depth: 0,
      },
      artifactsRoot: options.artifacts,
    };
    return launch(plan, options);
  },
};
