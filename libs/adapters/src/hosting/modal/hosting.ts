import { DEPLOY_ENVIRONMENTS, fail, formatReference, isPinlaneError, PinlaneError, type DeployEnvironment, type Known, type Problem } from '@pinlane/contracts';
import type { AppPlace, DeploymentDraft, DeploymentPlan, HostedAddress, HostingIo, HostingPlatform, ObservedApp, StoredSecret } from '@pinlane/pipeline';
import { goneApp, liveApp, seenApp, unknownApp } from './facts.ts';
import { openMarkers, type SecretMarkers } from './markers.ts';
import { HELPER_APP } from './names.ts';
import { listApps, listSecrets, survey, type LiveApp } from './observe.ts';
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

const draftOf = ({ registrySecret = null }: Modal, { slug, place, settings, secret, env }: DeploymentDraft): Omit<ModalDeployment, 'reference' | 'digest'> => ({
  slug,
  app: place.app,
  settings,
  secrets: new Map(secret === null ? [] : [[secret, settings.secrets.required]]),
  registrySecret,
  env,
});

const deploymentOf = (modal: Modal, plan: DeploymentPlan): ModalDeployment => ({
  ...draftOf(modal, plan),
  reference: formatReference(plan.image),
  digest: plan.image.digest,
});

const proxyProblems = ({ env }: Modal, { settings }: DeploymentDraft): Problem[] =>
  !settings.proxyAuth || (env[PROXY.key] && env[PROXY.secret])
    ? []
    : [
        {
          code: 'ERR_HOSTING_AUTH',
          message: `deploy.proxy_auth is on, and ${PROXY.key} and ${PROXY.secret} are not set: nobody could ask what serves`,
          fix: 'Make a token for the proxy (modal workspace proxy-tokens), and set both; or set deploy.proxy_auth to false.',
        },
      ];

/** Gives names one by one, and keeps those that it gave. */
const oneByOne = (names: Iterable<string> | AsyncIterable<string>): { readonly given: string[]; readonly next: () => Promise<string | null> } => {
  const given: string[] = [];
  const source = (async function* () {
    yield* names;
  })();
  const next = async (): Promise<string | null> => {
    const { done, value } = await source.next();
    if (done) return null;
    given.push(value);
    return value;
  };
  return { given, next };
};

/** What there is in an environment: one listing for all, and no more than is asked for of each. */
const surveyOf = async (modal: Modal, environment: DeployEnvironment, wanted: Iterable<string> | AsyncIterable<string>, signal: AbortSignal) => {
  const { given, next } = oneByOne(wanted);
  const found = await asFact(survey(modal.client(environment, signal), next));
  // Those that are still to come where it ended before it had them all.
  while ((await next()) !== null);
  if (!found.known) return { asked: new Map(given.map((app) => [app, unknownApp({ environment, app }, found.reason)])), others: found, published: found };
  const { apps, servers, stopped, names, secrets } = found.value;
  const live = new Map(apps.map((app) => [app.name, app]));
  const tell = async (name: string): Promise<ObservedApp> => {
    const place = { environment, app: name };
    const app = live.get(name);
    if (app !== undefined) return liveApp(place, { app, server: servers.get(name)!, names, secrets }, modal.markers);
    const gone = stopped.get(name)!;
    return gone.known ? goneApp(place, gone.value) : unknownApp(place, gone.reason);
  };
  const told = await Promise.all(given.map(async (name) => [name, await tell(name)] as const));
  const asked = new Map(told);
  // Images are built in an app of ours, which claims nothing.
  const others = apps.filter(({ name }) => name !== HELPER_APP && !asked.has(name));
  return {
    asked,
    others: { known: true as const, value: others.map((app) => seenApp({ environment, app: app.name }, app)) },
    published: names.known ? { known: true as const, value: [...new Set(names.value.map(({ slug }) => slug))] } : names,
  };
};

const describe = async (modal: Modal, { environment, app }: AppPlace, signal: AbortSignal): Promise<ObservedApp> =>
  (await surveyOf(modal, environment, [app], signal)).asked.get(app)!;

/** In which other environments apps of some names run; one that the account does not have has none. */
const elsewhereOf = async (modal: Modal, environment: DeployEnvironment, apps: readonly string[], signal: AbortSignal) => {
  const found = new Map<string, DeployEnvironment[]>(apps.map((app) => [app, []]));
  const look = async (other: DeployEnvironment): Promise<void> => {
    const live = await listApps(modal.client(other, signal)).catch((thrown: unknown) => {
      if (isPinlaneError(thrown, 'ERR_HOSTING_ENVIRONMENT')) return [];
      throw thrown;
    });
    for (const { name } of live) found.get(name)?.push(other);
  };
  return asFact(Promise.all(DEPLOY_ENVIRONMENTS.filter((each) => each !== environment).map(look)).then(() => found));
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
    const found = (await listSecrets(modal.client(environment, signal))).find((each) => each.name === name);
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

const addressOf = ({ env }: Modal, { environment, app, url, settings }: ObservedApp): HostedAddress => {
  if (!url.known || url.value === null)
    return fail('ERR_DEPLOY_UNREACHABLE', `the app ${app} in environment ${environment} has no address: ${url.known ? 'it does not run' : url.reason}`);
  const [key, secret] = [env[PROXY.key], env[PROXY.secret]];
  const guarded = settings.known && settings.value?.proxyAuth === true;
  return { url: url.value, headers: guarded && key && secret ? { 'Modal-Key': key, 'Modal-Secret': secret } : {} };
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
    preflight: async (draft, io) => [...proxyProblems(modal, draft), ...(await whyModalWouldNot(clientFor(draft.place, io), draftOf(modal, draft)))],
    describe: (place, signal) => describe(modal, place, signal),
    survey: (environment, apps, signal) => surveyOf(modal, environment, apps, signal),
    elsewhere: (environment, apps, signal) => elsewhereOf(modal, environment, apps, signal),
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
    address: async (place, signal) => addressOf(modal, await describe(modal, place, signal)),
    addressOf: (app) => addressOf(modal, app),
    probe: async (plan, atMostMs, io) => {
      const [{ imageId, port }, command] = await Promise.all([readServer(clientFor(plan.place, io), plan.place.app), modal.commandOf(plan, io.signal)]);
      const sandbox = await startSandbox(clientFor(plan.place, io), { imageId, command, port, lifeSeconds: Math.max(1, Math.ceil(atMostMs / 1000)) });
      return { url: sandbox.url, headers: {}, remove: sandbox.remove };
    },
    nameLeadsToPin: (plan, io) => asFact(nameIsTrue(clientFor(plan.place, io), deploymentOf(modal, plan))),
  };
};
