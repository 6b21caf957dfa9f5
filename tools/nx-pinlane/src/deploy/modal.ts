import { join } from 'node:path';
import { createModalHosting } from '@pinlane/adapters';
import type { ImageRunConfig } from '@pinlane/contracts';
import type { DeploymentPlan, HostingPlatform } from '@pinlane/pipeline';
import { valueOf } from '../command/environment.ts';
import { OWN_FOLDER } from '../workspace/own-folder.ts';

/** What Modal is opened with. */
export interface ModalFacts {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The configuration of a plan's image. */
  readonly configOf: (plan: DeploymentPlan, signal: AbortSignal) => Promise<ImageRunConfig>;
}

/** Opens Modal as a place that runs images. A Python that is named by a path is found from the workspace's root. */
export const openModal = ({ root, env, configOf }: ModalFacts): HostingPlatform => {
  const python = valueOf(env, 'PINLANE_MODAL_PYTHON') ?? 'python3';
  return createModalHosting({
    env,
    python: python.includes('/') ? join(python.startsWith('/') ? '/' : root, python) : python,
    folder: join(root, OWN_FOLDER, 'modal'),
    registrySecret: valueOf(env, 'PINLANE_MODAL_REGISTRY_SECRET') ?? null,
    commandOf: async (plan, signal) => (await configOf(plan, signal)).Cmd ?? [],
  });
};
