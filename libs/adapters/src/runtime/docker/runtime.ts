import { fail, type Runtime } from '@pinlane/contracts';
import { ARTIFACTS_ROOT } from '../layout.ts';
import { findDocker, type Docker } from './daemon.ts';
import { startInDocker } from './start.ts';
import { sweep } from './sweep.ts';

let swept: Promise<void> | undefined;

/** The daemon, once what killed runs left in it is gone. */
const sweptDocker = async (): Promise<Docker> => {
  const docker = await findDocker();
  if ('available' in docker) return fail('ERR_RUNTIME_UNAVAILABLE', `the runtime docker cannot be used: ${docker.reason}`, { fix: docker.fix });
  await (swept ??= sweep(docker));
  return docker;
};

/** Runs images in Docker, by the digest of the platform's manifest. Needs no right but that to speak to the daemon, which must see this machine's files. */
export const dockerRuntime: Runtime = {
  name: 'docker',
  availability: async () => {
    const docker = await findDocker();
    return 'available' in docker ? docker : { available: true, version: `Docker ${docker.facts.version}` };
  },
  artifactsRootOf: () => ARTIFACTS_ROOT,
  start: async (options) => startInDocker(await sweptDocker(), options),
};
