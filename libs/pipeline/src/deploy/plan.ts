import {
  architectureOf,
  PROCESSOR_ENV,
  slugOf,
  type DeployedSettings,
  type DeployEnvironment,
  type HostingName,
  type Lane,
  type Platform,
  type ProcessorSpec,
} from '@pinlane/contracts';
import type { PinnedSpec } from '../pin/pinned.ts';
import { deploymentOf, type DeploymentSettings } from '../spec/deployment.ts';
import type { DeploymentDraft, DeploymentPlan } from './hosting.ts';
import { appNameOf, secretNameOf, type Deployer } from './names.ts';

/** The hosting platform of a processor: the one that was asked for, else that of registry.yaml, else Modal. */
export const hostingOf = (asked: HostingName | undefined, { deploy }: Pick<ProcessorSpec, 'deploy'>): HostingName => asked ?? deploy.adapter ?? 'modal';

/** Settings in the words in which a platform tells them. */
const expectedOf = ({ port, scaling, region, proxyAuth, resources, timeoutSeconds, concurrency }: DeploymentSettings): DeployedSettings => ({
  port,
  minContainers: scaling.min,
  maxContainers: scaling.max,
  idleSeconds: scaling.idleSeconds,
  region,
  proxyAuth,
  cpu: resources.cpu,
  memoryGb: resources.memoryGb,
  gpu: resources.gpu,
  timeoutSeconds,
  ...(concurrency === undefined ? {} : { concurrency }),
});

/** What a deployment depends on besides the spec. */
export interface DeploymentFacts extends Deployer {
  readonly lane: Lane;
  readonly environment: DeployEnvironment;
  readonly platform: Platform;
}

/** Decides where a processor is to run, and how, whatever its image. */
export const draftDeployment = (spec: ProcessorSpec, { lane, environment, branch, user }: Omit<DeploymentFacts, 'platform'>): DeploymentDraft => {
  const settings = deploymentOf(spec);
  const declared = settings.secrets.required.length + settings.secrets.optional.length > 0;
  return {
    ref: spec.ref,
    slug: slugOf(spec.ref),
    place: { environment, app: appNameOf(spec.ref, environment, { branch, user }) },
    settings,
    expected: expectedOf(settings),
    secret: declared ? secretNameOf(spec.ref) : null,
    env: { [PROCESSOR_ENV.environment]: lane },
  };
};

/** Decides what is to run where. The spec must have a pin for the platform. */
export const planDeployment = (spec: PinnedSpec, facts: DeploymentFacts): DeploymentPlan => ({
  ...draftDeployment(spec, facts),
  image: spec.pins[architectureOf(facts.platform)]!,
  platform: facts.platform,
});
