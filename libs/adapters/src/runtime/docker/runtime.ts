import { fail, type Runtime } from '@pinlane/contracts';
import { ARTIFACTS_ROOT } from '../processor-env.ts';
import { findDocker, type Docker } from './daemon.ts';
import { isGone, OWNED, OWNER_FORMAT, parseOwners, startOf, thisOwner } from './owner.ts';
import { startInDocker } from './start.ts';

/** Removes the containers of runs that were killed before they could do so. Those of processes that still run, or cannot be seen from here, stay. */
export const sweep = async (docker: Docker, signal?: AbortSignal): Promise<void> => {
  const { stdout } = await docker.run(['ps', '--all', '--no-trunc', '--filter', OWNED, '--format', OWNER_FORMAT], { signal });
  const here = thisOwner();
  const left = parseOwners(stdout).filter(({ owner }) => isGone(owner, here, startOf));
  // Another process may sweep at the same moment.
  if (left.length > 0) await docker.run(['rm', '--force', '--volumes', ...left.map(({ id }) => id)], { expectedCodes: [1], signal });
};

let swept = false;

/** The daemon, swept once of what killed runs left in it. */
const sweptDocker = async (signal: AbortSignal | undefined): Promise<Docker> => {
  const docker = await findDocker(signal);
  if ('available' in docker) return fail('ERR_RUNTIME_UNAVAILABLE', `the runtime docker cannot be used: ${docker.reason}`, { fix: docker.fix });
  if (!swept) await sweep(docker, signal);
  swept = true;
  return docker;
};

/** Runs images in Docker, by the digest of the platform's manifest, for any user who may speak to the daemon. The daemon must see this machine's files. */
export const dockerRuntime: Runtime = {
  name: 'docker',
  availability: async (signal) => {
    const docker = await findDocker(signal);
    return 'available' in docker ? docker : { available: true, version: `Docker ${docker.facts.version}` };
  },
  artifactsRootOf: () => ARTIFACTS_ROOT,
  start: async (options) => startInDocker(await sweptDocker(options.signal), options),
};
