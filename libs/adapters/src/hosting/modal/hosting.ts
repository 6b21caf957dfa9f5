import { fail, formatReference, isPinlaneError, PinlaneError, type DeployEnvironment, type Known, type Problem } from '@pinlane/contracts';
import type { AppPlace, DeploymentPlan, HostedAddress, HostingIo, HostingPlatform, ObservedApp, StoredSecret } from '@pinlane/pipeline';
import { goneApp, liveApp, unknownApp } from './facts.ts';
import { openMarkers, type SecretMarkers } from './markers.ts';
import { HELPER_APP, SERVER } from './names.ts';
import { describeServers, findStopped, listApps, publishedNames, type LiveApp } from './observe.ts';
import { startSandbox } from './probe.ts';
import type { PythonClient } from './python.ts';
import { putSecret } from './secrets.ts';
import { deployToModal, findLive, nameIsTrue, readServer, rollOver, stopModalApp, whyModalWouldNot, type ModalDeployment } from './server.ts';

/** What the adapter is made of. */
export interface ModalHostingOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A folder of this machine, for the markers of the secrets that it writes. */
  readonly folder: string;
  /** The Python that has Modal's client; python3 if absent. */
  readonly python?: string;
  /** The name of the Modal secret with the credentials of a private registry; null for public images. */
  readonly registrySecret?: string | null;
  /** What a Sandbox of an image is started with, its CMD: without any, it would sleep. */
  readonly commandOf: (plan: DeploymentPlan, signal: AbortSignal) => Promise<readonly string[]>;
}

interface Modal extends ModalHostingOptions {
  readonly markers: SecretMarkers;
  readonly client: (environment: DeployEnvironment, signal: AbortSignal) => PythonClient;
}

/** The variables that hold the token for Modal's proxy. */
const PROXY = { key: 'MODAL_PROXY_KEY', secret: 'MODAL_PROXY_SECRET' };

const messageOf = (thrown: unknown): string =>
  isPinlaneError(thrown) ? thrown.problems.map(({ message }) => message).join('; ') : String((thrown as Error).message);

/** A fact, or why it could not be had; an interruption is no fact. */
const asFact = async <T>(work: Promise<T>): Promise<Known<T>> => {
  try {
    return { known: true, value: await work };
  } catch (thrown) {
    if (isPinlaneError(thrown, 'ERR_CANCELLED')) throw thrown;
    return { known: false, reason: messageOf(thrown) };
  }
};

const deploymentOf = ({ registrySecret = null }: Modal, { slug, place, image, settings, secret, env }: DeploymentPlan): ModalDeployment => ({
  slug,
  app: place.app,
  reference: formatReference(image),
  digest: image.digest,
  settings,
  secrets: new Map(secret === null ? [] : [[secret, settings.secrets.required]]),
  registrySecret,
  env,
});

const proxyProblems = ({ env }: Modal, { settings }: DeploymentPlan): Problem[] =>
  !settings.proxyAuth || (env[PROXY.key] && env[PROXY.secret])
    ? []
    : [
        {
          code: 'ERR_HOSTING_AUTH',
          message: `deploy.proxy_auth is on, and ${PROXY.key} and ${PROXY.secret} are not set: nobody could ask what serves`,
          fix: 'Make a token for the proxy (modal workspace proxy-tokens), and set both; or set deploy.proxy_auth to false.',
        },
      ];

/** Tells live apps, with a fixed number of processes for any number of them. */
const tellLive = async ({ markers }: Modal, client: PythonClient, apps: readonly LiveApp[]): Promise<ObservedApp[]> => {
  const ids = apps.flatMap(({ servers }) => servers.get(SERVER) ?? []);
  const [observed, names] = await Promise.all([asFact(describeServers(client, ids)), asFact(publishedNames(client))]);
  const environment = client.environment as DeployEnvironment;
  return Promise.all(
    apps.map((app) => {
      const id = app.servers.get(SERVER);
      const server = !observed.known
        ? observed
        : (observed.value.servers.get(id ?? '') ?? { known: false as const, reason: `Modal's client tells nothing of ${id}` });
      const facts = {
        app,
        server: id === undefined ? { known: true as const, value: null } : server,
        names,
        secrets: observed.known ? observed.value.secrets : observed,
      };
      return liveApp({ environment, app: app.name }, facts, markers);
    }),
  );
};

const describe = async (modal: Modal, place: AppPlace, signal: AbortSignal): Promise<ObservedApp> => {
  const client = modal.client(place.environment, signal);
  const live = await asFact(findLive(client, place.app));
  if (!live.known) return unknownApp(place, live.reason);
  if (live.value !== null) return (await tellLive(modal, client, [live.value]))[0]!;
  const stopped = await asFact(findStopped(client, place.app));
  return stopped.known ? goneApp(place, stopped.value) : unknownApp(place, stopped.reason);
};

/** A refusal in the middle of a deployment is that of the deployment. */
const failDeployment = (thrown: unknown): never => {
  if (!isPinlaneError(thrown, 'ERR_HOSTING_REFUSED')) throw thrown;
  const [first, ...more] = thrown.problems.map((problem) => ({ ...problem, code: 'ERR_DEPLOY_FAILED' as const }));
  throw new PinlaneError([first!, ...more], { cause: thrown });
};

/** Notes what the containers of an app were given. */
const noteGiven = async ({ markers }: Modal, place: AppPlace, app: LiveApp | null, secret: string | null): Promise<void> => {
  if (app?.version && secret !== null) await markers.give(place, app.version, secret);
};

const secretsOf = (modal: Modal): HostingPlatform['secrets'] => {
  const read = async (environment: DeployEnvironment, name: string, signal: AbortSignal): Promise<StoredSecret | null> => {
    const { secrets } = await describeServers(modal.client(environment, signal), []);
    if (!secrets.known) return fail('ERR_HOSTING_UNAVAILABLE', secrets.reason);
    const found = secrets.value.find((each) => each.name === name);
    const markers = await modal.markers.stored(environment, name);
    return found ? { name, keys: found.keys.map((key) => ({ name: key, marker: markers?.[key] ?? null })) } : null;
  };
  return {
    describe: (environment, name, signal) => asFact(read(environment, name, signal)),
    put: async (environment, name, values, { signal }) => {
      await putSecret(modal.client(environment, signal), name, values);
      const markers = await modal.markers.of(environment, name, values);
      await modal.markers.store(environment, name, markers);
      return { name, keys: Object.entries(markers).map(([key, marker]) => ({ name: key, marker })) };
    },
    changed: async (environment, name, values) => {
      const stored = await modal.markers.stored(environment, name);
      if (stored === null) return { known: false, reason: `this machine has not written the secret ${name}, and Modal tells no value` };
      const now = await modal.markers.of(environment, name, values);
      return { known: true, value: Object.keys(now).filter((key) => now[key] !== stored[key]) };
    },
  };
};

const address = async ({ env, client }: Modal, { environment, app }: AppPlace, signal: AbortSignal): Promise<HostedAddress> => {
  const { url, proxyAuth } = await readServer(client(environment, signal), app);
  if (!URL.canParse(url)) return fail('ERR_DEPLOY_UNREACHABLE', `Modal tells no address of ${app} in ${environment}`);
  const [key, secret] = [env[PROXY.key], env[PROXY.secret]];
  return { url, headers: proxyAuth && key && secret ? { 'Modal-Key': key, 'Modal-Secret': secret } : {} };
};

/** Modal as a place that runs images: by its own public clients, the Python one in one version alone. */
export const createModalHosting = (options: ModalHostingOptions): HostingPlatform => {
  const modal: Modal = {
    ...options,
    markers: openMarkers(options.folder),
    client: (environment, signal) => ({ python: options.python ?? 'python3', env: options.env, environment, signal }),
  };
  const { client } = modal;
  const clientFor = ({ environment }: AppPlace, { signal }: HostingIo): PythonClient => client(environment, signal);
  return {
    name: 'modal',
    takes: 'linux/amd64',
    proxyRefusal: 401,
    secrets: secretsOf(modal),
    preflight: async (plan, io) => [...proxyProblems(modal, plan), ...(await whyModalWouldNot(clientFor(plan.place, io), deploymentOf(modal, plan)))],
    describe: (place, signal) => describe(modal, place, signal),
    list: async (environment, signal) => {
      const apps = await listApps(client(environment, signal));
      // Images are built in an app of ours, which claims nothing.
      return tellLive(
        modal,
        client(environment, signal),
        apps.filter(({ name }) => name !== HELPER_APP),
      );
    },
    deploy: async (plan, io) => {
      const { app } = await deployToModal(clientFor(plan.place, io), deploymentOf(modal, plan), (line) => io.progress(line)).catch(failDeployment);
      await noteGiven(modal, plan.place, app, plan.secret);
    },
    rollover: async (place, io) => {
      await rollOver(clientFor(place, io), place.app);
      const given = await modal.markers.given(place);
      await noteGiven(modal, place, await findLive(clientFor(place, io), place.app), given?.secret ?? null);
    },
    stop: (place, io) => stopModalApp(clientFor(place, io), place.app),
    address: (place, signal) => address(modal, place, signal),
    probe: async (plan, atMostMs, io) => {
      const [{ imageId, port }, command] = await Promise.all([readServer(clientFor(plan.place, io), plan.place.app), modal.commandOf(plan, io.signal)]);
      const sandbox = await startSandbox(clientFor(plan.place, io), { imageId, command, port, lifeSeconds: Math.max(1, Math.ceil(atMostMs / 1000)) });
      return { url: sandbox.url, headers: {}, remove: sandbox.remove };
    },
    nameLeadsToPin: (plan, io) => asFact(nameIsTrue(clientFor(plan.place, io), deploymentOf(modal, plan))),
  };
};
