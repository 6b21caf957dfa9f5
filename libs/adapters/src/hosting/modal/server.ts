import { fail, isPinlaneError, PinlaneError, type Problem } from '@pinlane/contracts';
import type { DeploymentSettings } from '@pinlane/pipeline';
import { serverDeployArguments, whyNotDeployable } from './deploy-arguments.ts';
import { buildImage, publishedImage, publishImage } from './image.ts';
import { LIMITS } from './limits.ts';
import { publishedName, SERVER } from './names.ts';
import { listApps, requireEnvironment, type LiveApp } from './observe.ts';
import { clientFault, INSTALL, type PythonClient } from './python.ts';
import { secretKeys } from './secrets.ts';
import { parseTold, serverInfoOf, type ServerInfo } from './server-info.ts';
import { runAlive } from './watch.ts';

/** A deployment, as Modal is told it. */
export interface ModalDeployment {
  readonly slug: string;
  readonly app: string;
  /** The platform manifest: `repository@sha256:…`. */
  readonly reference: string;
  readonly digest: string;
  readonly settings: DeploymentSettings;
  /** Modal secrets by name, with the keys that must be there. */
  readonly secrets: ReadonlyMap<string, readonly string[]>;
  readonly registrySecret: string | null;
  /** Variables of no secret kind that containers get. */
  readonly env: Readonly<Record<string, string>>;
}

/** What was deployed, as Modal tells it afterwards. */
export interface ModalDeployed {
  readonly app: LiveApp;
  readonly server: ServerInfo;
}

const problemsIn = async (work: () => Promise<readonly Problem[]>): Promise<readonly Problem[]> => {
  try {
    return await work();
  } catch (thrown) {
    if (isPinlaneError(thrown) && thrown.code !== 'ERR_CANCELLED') return thrown.problems;
    throw thrown;
  }
};

/** A secret that has to be there with some keys. */
interface WantedSecret {
  readonly name: string;
  readonly keys: readonly string[];
  /** What stores it. */
  readonly fix?: string;
}

const secretProblems = async (client: PythonClient, { name, keys, fix }: WantedSecret): Promise<readonly Problem[]> => {
  const found = await secretKeys(client, name, keys);
  // Where no key is required, nothing has to be there.
  const missing = keys.filter((key) => !found?.includes(key));
  if (missing.length === 0) return [];
  const place = `the environment ${client.environment}`;
  const message =
    found === null
      ? `Modal has no secret ${name} in ${place}; it must have the keys ${missing.join(', ')}`
      : `Modal's secret ${name} in ${place} lacks ${missing.join(', ')}`;
  return [{ code: 'ERR_SECRET_MISSING', message, ...(fix === undefined ? {} : { fix }) }];
};

/** The secret that the images of a private registry are pulled with: nobody but the owner of that login stores it. */
const registryLogin = (name: string): WantedSecret => ({
  name,
  keys: ['REGISTRY_USERNAME', 'REGISTRY_PASSWORD'],
  fix: 'It is the login that Modal pulls images with (PINLANE_MODAL_REGISTRY_SECRET). Make it from a file: modal secret create <name> --from-dotenv <file>.',
});

/** All that would make a deployment fail, at once: the client, the account, the environment, the names and the secrets with their keys. Reads only. */
export const whyModalWouldNot = async (
  client: PythonClient,
  { app, settings, secrets, registrySecret }: Omit<ModalDeployment, 'reference' | 'digest'>,
): Promise<Problem[]> => {
  const own = [...secrets].map(([name, keys]): WantedSecret => ({ name, keys }));
  const wanted = [...own, ...(registrySecret === null ? [] : [registryLogin(registrySecret)])];
  const python = async (): Promise<readonly Problem[]> => {
    const fault = await clientFault(client);
    return fault === null ? [] : [{ code: 'ERR_TOOL_MISSING', message: fault, fix: INSTALL }];
  };
  const account = async (): Promise<readonly Problem[]> => {
    // Where the account or the environment is wrong, nothing else can be asked.
    const environment = await problemsIn(async () => (await requireEnvironment(client), []));
    if (environment.length > 0) return environment;
    return (await Promise.all(wanted.map((secret) => problemsIn(() => secretProblems(client, secret))))).flat();
  };
  return [...whyNotDeployable({ app, settings, secrets: wanted.map(({ name }) => name) }), ...(await Promise.all([python(), account()])).flat()];
};

/** The names of those secrets that are required, and of those that are there though they need not be. */
const secretsThatAreThere = async (client: PythonClient, secrets: ModalDeployment['secrets']): Promise<string[]> => {
  const there = async ([name, keys]: readonly [string, readonly string[]]) => keys.length > 0 || (await secretKeys(client, name, [])) !== null;
  const all = await Promise.all([...secrets].map(async (each) => ((await there(each)) ? [each[0]] : [])));
  return all.flat();
};

/** A Server of an app, as the control plane tells it. @throws ERR_HOSTING_… */
export const readServer = async (client: PythonClient, app: string): Promise<ServerInfo> => {
  const what = `reading ${app}/${SERVER} in ${client.environment}`;
  return serverInfoOf(parseTold(await runAlive(client, { args: ['server', 'info', `${app}/${SERVER}`, '--json'], what, timeoutMs: LIMITS.readMs }), what));
};

/** A live app; null if there is none of that name. @throws ERR_HOSTING_… */
export const findLive = async (client: PythonClient, app: string): Promise<LiveApp | null> => (await listApps(client)).find(({ name }) => name === app) ?? null;

/** What the control plane says of an app that was just deployed. @throws what kept it from saying so; the app may well run then, which is said */
const readBack = async (client: PythonClient, app: string): Promise<{ readonly server: ServerInfo; readonly live: LiveApp }> => {
  try {
    const [server, live] = await Promise.all([readServer(client, app), findLive(client, app)]);
    return { server, live: live ?? fail('ERR_HOSTING_REFUSED', `Modal lists no app ${app} in ${client.environment}`) };
  } catch (thrown) {
    if (!isPinlaneError(thrown) || thrown.code === 'ERR_CANCELLED') throw thrown;
    const told = thrown.problems[0]!;
    const message = `${app} was deployed, and what runs now could not be read back: ${told.message}`;
    throw new PinlaneError({ ...told, message, fix: 'Deploy again: what runs already is found, and left alone.' }, { cause: thrown });
  }
};

/**
 * Deploys an image as a Server, by public calls alone: its image object is built and published under the whole digest, that name is deployed,
 * and what the control plane says then is compared with what was built. What ran before runs on until all of it is done.
 * @throws ERR_DEPLOY_MISMATCH if another image is told than was built; ERR_DEPLOY_FAILED, ERR_HOSTING_…, ERR_TOOL_MISSING, ERR_CANCELLED
 */
export const deployToModal = async (client: PythonClient, deployment: ModalDeployment, report: (line: string) => void): Promise<ModalDeployed> => {
  const { slug, app, digest, settings, secrets, env } = deployment;
  const fault = await clientFault(client);
  if (fault !== null) return fail('ERR_TOOL_MISSING', fault, { fix: INSTALL });
  report(`building the image object of ${deployment.reference}`);
  const imageId = await buildImage(client, deployment);
  await publishImage(client, imageId, deployment);
  const image = publishedName(slug, digest);
  report(`deploying ${image} as ${app} in ${client.environment}`);
  const what = `deploying ${app} in ${client.environment}`;
  const args = serverDeployArguments({ app, image, settings, secrets: await secretsThatAreThere(client, secrets), env });
  await runAlive(client, { args, what, timeoutMs: LIMITS.writeMs });
  const { server, live } = await readBack(client, app);
  if (server.imageId === imageId) return { app: live, server };
  return fail(
    'ERR_DEPLOY_MISMATCH',
    `${app} in ${client.environment} is configured with Modal's image ${server.imageId}, and ${imageId} was built for ${digest}`,
  );
};

/** Starts the containers of an app anew, with what its secrets hold now. @throws ERR_HOSTING_… */
export const rollOver = async (client: PythonClient, app: string): Promise<void> => {
  const what = `rolling over ${app} in ${client.environment}`;
  await runAlive(client, { args: ['app', 'rollover', app], what, timeoutMs: LIMITS.writeMs });
};

/** Stops an app; one that is not live is left as it is. @throws ERR_HOSTING_… */
export const stopModalApp = async (client: PythonClient, app: string): Promise<void> => {
  if ((await findLive(client, app)) === null) return;
  const what = `stopping ${app} in ${client.environment}`;
  await runAlive(client, { args: ['app', 'stop', app, '--yes'], what, timeoutMs: LIMITS.writeMs });
};

/** Whether the published name of a pin leads to the image object that the pin builds: a name that was moved to another does not. */
export const nameIsTrue = async (
  client: PythonClient,
  deployment: Pick<ModalDeployment, 'slug' | 'reference' | 'digest' | 'registrySecret'>,
): Promise<boolean> => {
  const [built, published] = await Promise.all([buildImage(client, deployment), publishedImage(client, deployment.slug, deployment.digest)]);
  return built === published;
};
