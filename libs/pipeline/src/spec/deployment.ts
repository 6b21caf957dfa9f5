import type { ProcessorSpec } from '@pinlane/contracts';

/** The settings that a deployment of a processor reads; nothing else of its spec matters to one. */
export interface DeploymentSettings {
  readonly port: number;
  readonly scaling: { readonly min: number; readonly max: number; readonly idleSeconds: number };
  /** In the platform's words; null leaves it to the platform. */
  readonly region: string | null;
  readonly proxyAuth: boolean;
  /** Memory in GiB. */
  readonly resources: { readonly cpu: number; readonly memoryGb: number; readonly gpu: string | null };
  readonly timeoutSeconds: number;
  /** How many runs at once in one container; the runtime's default if undefined. */
  readonly concurrency: number | undefined;
  /** Names only. */
  readonly secrets: { readonly required: readonly string[]; readonly optional: readonly string[] };
}

/** The deployment of a spec: `deploy`, and what a platform must know of the image. `deploy.resources` wins over `runtime`. */
export const deploymentOf = ({ build, deploy, runtime, secrets }: ProcessorSpec): DeploymentSettings => ({
  port: build.port,
  scaling: { min: deploy.min_containers, max: deploy.max_containers, idleSeconds: deploy.scaledown_s },
  region: deploy.region,
  proxyAuth: deploy.proxy_auth,
  resources: {
    cpu: deploy.resources.cpu ?? runtime.cpu,
    memoryGb: deploy.resources.memory_gb ?? runtime.memory_gb,
    gpu: deploy.resources.gpu === undefined ? runtime.gpu : deploy.resources.gpu,
  },
  timeoutSeconds: runtime.timeout_s,
  concurrency: runtime.concurrency,
  secrets,
});
