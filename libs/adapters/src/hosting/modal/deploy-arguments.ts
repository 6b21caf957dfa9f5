import type { Problem } from '@pinlane/contracts';
import { mebibytes, type DeploymentSettings } from '@pinlane/pipeline';

/** What `modal server deploy` is told. Only names: values are in Modal's secrets, and the digest is in the image. */
export interface ServerDeploy {
  readonly app: string;
  /** The published name of the image. */
  readonly image: string;
  readonly settings: DeploymentSettings;
  /** Names of Modal's secrets. */
  readonly secrets: readonly string[];
  /** Variables of no secret kind. The digest is none of them: beside the image it would prove nothing of it. */
  readonly env: Readonly<Record<string, string>>;
}

/** How long a container may take to answer on its port, in s: the image is pulled before. */
const STARTUP_S = 120;

/** How long a container that is to go may finish its runs, in s, at most. */
const GRACE_S = 60;

/** The arguments of `modal server deploy` (Modal's client 1.6.4, `modal server deploy --help`), but for the environment. */
export const serverDeployArguments = ({ app, image, settings, secrets, env }: ServerDeploy): string[] => {
  const { port, scaling, region, proxyAuth, resources, timeoutSeconds, concurrency } = settings;
  return [
    ...['server', 'deploy', '--yes', `--image=${image}`, `--app-name=${app}`, `--port=${port}`],
    ...secrets.map((name) => `--secret=${name}`),
    ...Object.entries(env).map(([name, value]) => `--env-var=${name}=${value}`),
    ...[`--cpu=${resources.cpu}`, `--memory=${mebibytes(resources.memoryGb)}`],
    ...(resources.gpu === null ? [] : [`--gpu=${resources.gpu}`]),
    ...[`--min-containers=${scaling.min}`, `--max-containers=${scaling.max}`, `--scaledown-window=${scaling.idleSeconds}`],
    ...(concurrency === undefined ? [] : [`--target-concurrency=${concurrency}`]),
    ...(region === null ? [] : [`--region=${region}`]),
    ...(proxyAuth ? [] : ['--unauthenticated']),
    ...[`--startup-timeout=${STARTUP_S}`, `--exit-grace-period=${Math.min(GRACE_S, Math.ceil(timeoutSeconds))}`],
  ];
};

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9-_.]{0,63}$/;

/** What Modal's client would refuse of a deployment, before anything is asked of Modal (Modal's client 1.6.4, `name_utils.py` and `_functions.py`). */
export const whyNotDeployable = ({ app, settings: { scaling, resources }, secrets }: Omit<ServerDeploy, 'image' | 'env'>): Problem[] => {
  const wrong = (message: string): Problem => ({ code: 'ERR_OPTION_INVALID', message, fix: 'Change it in the section deploy of registry.yaml, or the name.' });
  const names = [app, ...secrets].filter((name) => !NAME.test(name) || /^ap-[a-zA-Z0-9]{22}$/.test(name));
  return [
    ...names.map((name) => wrong(`Modal takes no name ${JSON.stringify(name)}: letters, digits, -, _ and . only, at most 64`)),
    ...(scaling.idleSeconds < 2 || scaling.idleSeconds > 3600 ? [wrong(`deploy.scaledown_s is ${scaling.idleSeconds}; Modal takes 2 to 3600`)] : []),
    ...(resources.gpu !== null && !/^[A-Za-z0-9][A-Za-z0-9!-]*(?::[1-9]\d?)?(?:,[A-Za-z0-9][A-Za-z0-9!-]*(?::[1-9]\d?)?)*$/.test(resources.gpu)
      ? [wrong(`the GPU ${JSON.stringify(resources.gpu)} is no name that Modal takes`)]
      : []),
  ];
};
