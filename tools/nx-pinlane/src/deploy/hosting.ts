import { tmpdir, userInfo } from 'node:os';
import { createLocalHosting } from '@pinlane/adapters';
import { architectureOfMachine, fail, formatReference, platformOf, type HostingName, type Lane, type RuntimeName } from '@pinlane/contracts';
import type { DeploymentPlan, HostingPlatform } from '@pinlane/pipeline';
import type { ImageLocations } from '../images/locations.ts';
import { openImage, type ImageOrder } from './open-image.ts';
import { supervisorEnv, supervisorProgram } from './supervisor-program.ts';

/** What hosting platforms are opened with. */
export interface HostingFacts {
  readonly lane: Lane;
  readonly runtime: 'auto' | RuntimeName;
  readonly locations: ImageLocations;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The login of whoever runs this; a container may have a user without a name. */
export const loginOf = (env: HostingFacts['env']): string => {
  try {
    return userInfo().username;
  } catch {
    return env['USER'] || 'somebody';
  }
};

const openLocal = ({ lane, runtime, locations, env }: HostingFacts): HostingPlatform => {
  const { paths, access } = locations;
  const imageOrder = ({ slug, image, platform }: DeploymentPlan): ImageOrder => ({
    ...{ root: paths.root, lane, slug, image: formatReference(image), platform, insecureRegistries: [...access.insecureRegistries] },
  });
  return createLocalHosting({
    deployments: paths.deployments,
    takes: platformOf(architectureOfMachine(process.arch)),
    runtime,
    supervisor: { command: process.execPath, args: [supervisorProgram()], env: supervisorEnv(env) },
    openImage: (plan, signal) => openImage(imageOrder(plan), signal),
    imageOrder,
    user: loginOf(env),
    temporary: tmpdir(),
  });
};

/** Opens a hosting platform by its name. @throws ERR_HOSTING_UNAVAILABLE if this version of Pinlane has none of that name */
export const openHosting = async (name: HostingName, facts: HostingFacts): Promise<HostingPlatform> => {
  if (name === 'local') return openLocal(facts);
  return fail('ERR_HOSTING_UNAVAILABLE', `the adapter ${name} is not there yet`, { fix: 'Rehearse on this machine: --adapter=local.' });
};
