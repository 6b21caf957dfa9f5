import type { Environment, ModalClient } from 'modal';
import { asPinlaneError, fail, type Known } from '@pinlane/contracts';
import { secretsOf } from './client-environment.ts';
import { NOT_DIRECT, openDirect, type AskDirectly } from './direct.ts';
import { failureOf, isNotFound } from './failures.ts';
import { LIMITS } from './limits.ts';
import { parsePublished, SERVER } from './names.ts';
import { withSdk, type SdkClient } from './sdk.ts';
import { scalingIn, serverIn, serverOf, type ServerInfo } from './server-info.ts';
import { messageOfText } from './wire.ts';

/**
 * The control plane as the SDK speaks to it. Its public calls tell of no Server, secret or published name, and the Python client takes several times as long
 * for each; so these are asked directly, which the one version of the SDK allows that Pinlane depends on.
 */
type ControlPlane = ModalClient['cpClient'];

/** An app that is live, as one call tells it of all apps of an environment. */
export interface LiveApp {
  readonly id: string;
  readonly name: string;
  /** Null if nothing was ever deployed under its name: an app that only images are built in. */
  readonly version: number | null;
  /** ISO 8601. */
  readonly deployedAt: string | null;
  readonly deployedBy: string | null;
  /** Function ids by the names of its Servers. */
  readonly servers: ReadonlyMap<string, string>;
}

const environmentIn = (sdk: ModalClient, name: string): Promise<Environment> =>
  sdk.environments.fromName(name).catch((thrown: unknown) => {
    if ((thrown as Error).name === 'NotFoundError') return fail('ERR_HOSTING_ENVIRONMENT', `Modal has no environment ${name}`);
    throw thrown;
  });

/** Makes sure that there is the environment, and an account that may see it. @throws ERR_HOSTING_ENVIRONMENT, ERR_HOSTING_AUTH and others ERR_HOSTING_… */
export const requireEnvironment = (client: SdkClient): Promise<void> =>
  withSdk(client, { what: `looking for the environment ${client.environment}` }, async (sdk) => {
    await environmentIn(sdk, client.environment);
  });

const appsOf = async (sdk: ModalClient, name: string): Promise<LiveApp[]> => {
  const environment = await environmentIn(sdk, name);
  const apps: LiveApp[] = [];
  for await (const app of environment.apps.list()) {
    const { lifecycle, servers, description } = await app.info();
    // Those that were never deployed run for as long as somebody's terminal is open, and may be described by any name.
    if (lifecycle.state !== 'deployed' && lifecycle.version === undefined) continue;
    apps.push({
      id: app.appId,
      name: app.name ?? description,
      version: lifecycle.version ?? null,
      deployedAt: lifecycle.deployedAt?.toISOString() ?? null,
      deployedBy: lifecycle.deployedBy ?? null,
      servers: new Map(Object.entries(servers)),
    });
  }
  return apps;
};

/** The deployed apps of an environment; stopped ones are left out. @throws ERR_HOSTING_… */
export const listApps = (client: SdkClient): Promise<LiveApp[]> =>
  withSdk(client, { what: `listing the apps of ${client.environment}` }, (sdk) => appsOf(sdk, client.environment));

/** A secret as Modal tells it: never a value. */
export interface ModalSecretKeys {
  readonly id: string;
  readonly name: string;
  readonly keys: readonly string[];
}

/** How many are asked for in one answer, as Modal's own clients do. */
const PAGE = 100;

const allSecrets = async (cp: ControlPlane, environmentName: string): Promise<ModalSecretKeys[]> => {
  const found: ModalSecretKeys[] = [];
  for (let createdBefore = 0; ;) {
    const { items } = await cp.secretList({ environmentName, pagination: { maxObjects: PAGE, createdBefore } });
    found.push(...items.map(({ secretId, label, metadata }) => ({ id: secretId, name: label, keys: [...(metadata?.keys ?? [])].sort() })));
    const last = items.at(-1)?.createdAt;
    if (items.length < PAGE || last === undefined || last === createdBefore) return found;
    createdBefore = last;
  }
};

/** The named secrets of an environment. @throws ERR_HOSTING_… */
export const listSecrets = (client: SdkClient): Promise<ModalSecretKeys[]> =>
  withSdk(client, { what: `listing the secrets of ${client.environment}` }, (sdk) => allSecrets(sdk.cpClient, client.environment));

/** A published name of ours, and the image object that it leads to. */
export interface PublishedName {
  readonly slug: string;
  readonly digest: string;
  readonly imageId: string;
}

const allNames = async (cp: ControlPlane, environmentName: string): Promise<PublishedName[]> => {
  const found: PublishedName[] = [];
  for (let pageToken = ''; ;) {
    const { items, nextPageToken } = await cp.imageListTags({ environmentName, maxObjects: PAGE, pageToken });
    for (const { tag, imageId } of items) {
      const name = parsePublished(tag);
      if (name !== null) found.push({ ...name, imageId });
    }
    if (nextPageToken === '' || nextPageToken === pageToken) return found;
    pageToken = nextPageToken;
  }
};

/** The published names of ours in an environment. @throws ERR_HOSTING_… */
export const publishedNames = (client: SdkClient): Promise<PublishedName[]> =>
  withSdk(client, { what: `listing the published images of ${client.environment}` }, (sdk) => allNames(sdk.cpClient, client.environment));

/** An app that was stopped: what ran until then, since when and by whom. */
export interface StoppedApp {
  readonly version: number | null;
  readonly deployedAt: string | null;
  readonly deployedBy: string | null;
  readonly stoppedAt: string | null;
  readonly stoppedBy: string | null;
}

const isoTime = (seconds: number | undefined): string | null => (seconds ? new Date(seconds * 1000).toISOString() : null);

/** The app of a name that was stopped last; null if there never was one. */
const stoppedApp = async (cp: ControlPlane, environmentName: string, name: string): Promise<StoppedApp | null> => {
  const found = await cp.appGetByDeploymentName({ name, environmentName }).catch((thrown: unknown) => {
    if (isNotFound(thrown)) return null;
    throw thrown;
  });
  if (!found?.previousAppId) return null;
  const { lifecycle } = await cp.appGetLifecycle({ appId: found.previousAppId });
  return {
    version: lifecycle?.version || null,
    ...{ deployedAt: isoTime(lifecycle?.deployedAt), deployedBy: lifecycle?.deployedBy || null },
    ...{ stoppedAt: isoTime(lifecycle?.stoppedAt), stoppedBy: lifecycle?.stoppedBy || null },
  };
};

/** An answer that may tell nothing, which is told from no answer. */
const told = <T>(found: T | undefined) => ({ found });

const readServer = async (cp: ControlPlane, ask: AskDirectly, functionId: string): Promise<ServerInfo> => {
  const request = messageOfText(1, functionId);
  const readDefinition = async () =>
    (await ask('FunctionGetById', request, (answer) => told(serverIn(answer)))) ?? told((await cp.functionGetById({ functionId })).function);
  const readScaling = async () =>
    (await ask('FunctionGetSchedulingParams', request, (answer) => told(scalingIn(answer)))) ??
    told((await cp.functionGetSchedulingParams({ functionId })).autoscalerConfiguration?.settings);
  const [definition, scaling] = await Promise.all([readDefinition(), readScaling()]);
  return serverOf(functionId, definition.found, scaling.found);
};

/** How many apps are asked about at once. */
const AT_ONCE = 32;

/** What there is in an environment. */
export interface ModalSurvey {
  readonly apps: readonly LiveApp[];
  /** The Servers of the apps that were asked for, by the name of the app; null if it has none of ours. */
  readonly servers: ReadonlyMap<string, Known<ServerInfo | null>>;
  /** Those that were asked for and are not live. */
  readonly stopped: ReadonlyMap<string, Known<StoppedApp | null>>;
  readonly names: Known<readonly PublishedName[]>;
  readonly secrets: Known<readonly ModalSecretKeys[]>;
}

/**
 * All that the control plane tells of an environment, and of those apps there that are asked for: at most 32 at once, with two calls for each. No container is
 * woken. What can't be told of one thing is not known, with its reason; when Modal falls silent, that is so for all that is left.
 * @param next gives the name of the next app to ask about, null after the last; it may take its time while others are asked about
 * @throws ERR_HOSTING_… if not even the apps can be listed
 */
export const survey = (client: SdkClient, next: () => Promise<string | null>): Promise<ModalSurvey> => {
  const { environment } = client;
  const what = `reading the apps of ${environment}`;
  const fact = async <T>(work: Promise<T>): Promise<Known<T>> => {
    try {
      return { known: true, value: await work };
    } catch (thrown) {
      const { problems } = asPinlaneError(failureOf(thrown, what, secretsOf(client.env)));
      return { known: false, reason: problems.map(({ message }) => message).join('; ') };
    }
  };
  return withSdk(client, { what, limitMs: LIMITS.observeMs, silenceMs: LIMITS.callMs }, async (sdk, watch) => {
    const cp = sdk.cpClient;
    // The one call that must succeed; the others need not wait for it.
    const beside = Promise.all([fact(allNames(cp, environment)), fact(allSecrets(cp, environment))]);
    const apps = await appsOf(sdk, environment);
    // For a few, a connection of its own is not worth it.
    const direct = apps.length > AT_ONCE ? await openDirect(sdk, watch) : NOT_DIRECT;
    const live = new Map(apps.map((app) => [app.name, app]));
    const servers = new Map<string, Known<ServerInfo | null>>();
    const stopped = new Map<string, Known<StoppedApp | null>>();
    const ask = async (name: string): Promise<void> => {
      const app = live.get(name);
      const id = app?.servers.get(SERVER);
      if (app === undefined) stopped.set(name, await fact(stoppedApp(cp, environment, name)));
      else servers.set(name, id === undefined ? { known: true, value: null } : await fact(readServer(cp, direct.ask, id)));
    };
    const askOn = async (): Promise<void> => {
      for (let name = await next(); name !== null; name = await next()) await ask(name);
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, askOn));
    } finally {
      direct.close();
    }
    const [names, secrets] = await beside;
    return { apps, servers, stopped, names, secrets };
  });
};
