import { tmpdir, userInfo } from 'node:os';
import { resolve } from 'node:path';
import { createLocalHosting, createModalHosting } from '@pinlane/adapters';
import { architectureOfMachine, formatReference, platformOf, type HostingName, type Lane, type RuntimeName } from '@pinlane/contracts';
import type { DeploymentPlan, HostingPlatform } from '@pinlane/pipeline';
import { valueOf } from '../command/environment.ts';
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

const orderOf = ({ lane, locations: { paths, access } }: HostingFacts, { slug, image, platform }: DeploymentPlan): ImageOrder => ({
  ...{ root: paths.root, lane, slug, image: formatReference(image), platform, insecureRegistries: [...access.insecureRegistries], roots: paths.appRoots },
});

const openLocal = (facts: HostingFacts): HostingPlatform => {
  const { runtime, locations, env } = facts;
  const { paths } = locations;
  const imageOrder = (plan: DeploymentPlan): ImageOrder => orderOf(facts, plan);
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

/** Modal. A Python that is named by a path is found from the workspace's root. */
const openModal = (facts: HostingFacts): HostingPlatform => {
  const { env, locations } = facts;
  const python = valueOf(env, 'PINLANE_MODAL_PYTHON') ?? 'python3';
  return createModalHosting({
    env,
    python: python.includes('/') ? resolve(locations.paths.root, python) : python,
    folder: locations.paths.modal,
    registrySecret: valueOf(env, 'PINLANE_MODAL_REGISTRY_SECRET') ?? null,
    commandOf: async (plan, signal) => (await openImage(orderOf(facts, plan), signal)).config.Cmd ?? [],
  });
};

/** Opens a hosting platform by its name. */
export const openHosting = (name: HostingName, facts: HostingFacts): HostingPlatform => (name === 'local' ? openLocal(facts) : openModal(facts));
