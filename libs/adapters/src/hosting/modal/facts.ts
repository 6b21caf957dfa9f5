import type { DeployedSettings, Digest, Known, NamedSecret, ObservedDeployment } from '@pinlane/contracts';
import type { AppPlace, ObservedApp } from '@pinlane/pipeline';
import type { SecretMarkers } from './markers.ts';
import { SERVER } from './names.ts';
import type { LiveApp, ModalSecretKeys, PublishedName, StoppedApp } from './observe.ts';
import type { ServerInfo } from './server-info.ts';

const known = <T>(value: T): Known<T> => ({ known: true, value });
const unknown = (reason: string): Known<never> => ({ known: false, reason });
const map = <T, R>(fact: Known<T>, take: (value: T) => Known<R>): Known<R> => (fact.known ? take(fact.value) : fact);

/** What was found out about a live app, each part as far as it was. */
export interface LiveFacts {
  readonly app: LiveApp;
  readonly server: Known<ServerInfo | null>;
  readonly names: Known<readonly PublishedName[]>;
  readonly secrets: Known<readonly ModalSecretKeys[]>;
}

/** The settings of a Server in the words in which all platforms tell them. */
const settingsOf = (server: ServerInfo): DeployedSettings => ({
  port: server.port,
  minContainers: server.scaling.min,
  ...(server.scaling.max === null ? {} : { maxContainers: server.scaling.max }),
  ...(server.scaling.idleSeconds === null ? {} : { idleSeconds: server.scaling.idleSeconds }),
  region: server.region,
  proxyAuth: server.proxyAuth,
  ...(server.cpu === null ? {} : { cpu: server.cpu }),
  // Modal counts in MiB: four digits keep any two apart.
  ...(server.memoryMib === null ? {} : { memoryGb: Math.round((server.memoryMib / 1024) * 10_000) / 10_000 }),
  gpu: server.gpu,
  ...(server.concurrency === null ? {} : { concurrency: server.concurrency }),
});

/**
 * The digest that is configured. Modal tells its own id of an image and no digest: what is published under a digest, and nothing else, is of that digest.
 * Where names of the processor are there and none leads to the image, it is none that was ever deployed from a pin.
 */
const imageOf = (app: string, { imageId }: ServerInfo, names: readonly PublishedName[]): Known<Digest | null> => {
  const digests = [...new Set(names.filter((name) => name.imageId === imageId).map(({ digest }) => digest))];
  if (digests.length === 1) return known(digests[0] as Digest);
  if (digests.length > 1) return unknown(`Modal's image ${imageId} is published for ${digests.length} digests: somebody moved a name`);
  const isOfApp = ({ slug }: PublishedName): boolean => new RegExp(`(?:^|-)${slug}-v\\d+$`).test(app);
  return names.some(isOfApp) ? known(null) : unknown(`Modal's image ${imageId} has no published name that tells its digest`);
};

const secretsOf = ({ secretIds }: ServerInfo, all: readonly ModalSecretKeys[]): NamedSecret[] =>
  // One without a name holds the plain variables of a deployment.
  all.filter(({ id }) => secretIds.includes(id)).map(({ name, keys }) => ({ name, keys: [...keys] }));

/** Whether what runs has the values that its secrets have now, as far as this machine wrote them and deployed it. */
const currentOf = async (place: AppPlace, version: number | null, secrets: readonly NamedSecret[], markers: SecretMarkers): Promise<Known<boolean>> => {
  if (secrets.length === 0) return known(true);
  const given = await markers.given(place);
  const stored = given && (await markers.stored(place.environment, given.secret));
  if (!given || !stored) return unknown('its secrets were not written, or it was not deployed, from this machine');
  if (JSON.stringify(given.markers) === JSON.stringify(stored)) return known(true);
  return given.version === version ? known(false) : unknown('it was deployed or rolled over from elsewhere after its secrets were written here');
};

const isAddress = (url: string): boolean => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);

const nothing = { settings: known(null), secrets: known([]), secretsCurrent: known(true), url: known(null), image: known(null) };

/** A live app as all platforms tell one. */
export const liveApp = async (place: AppPlace, { app, server, names, secrets }: LiveFacts, markers: SecretMarkers): Promise<ObservedApp> => {
  const head = {
    adapter: 'modal' as const,
    ...place,
    state: known('running' as const),
    version: known(app.version),
    deployedAt: known(app.deployedAt),
    deployedBy: known(app.deployedBy),
  };
  if (server.known && server.value === null) return { ...head, ...nothing };
  const told = server as Known<ServerInfo>;
  const used = map(told, (value) => map(secrets, (all) => known(secretsOf(value, all))));
  return {
    ...head,
    image: map(told, (value) => map(names, (all) => imageOf(place.app, value, all))),
    settings: map(told, (value) => known(settingsOf(value))),
    secrets: used,
    secretsCurrent: used.known ? await currentOf(place, app.version, used.value, markers) : used,
    url: map(told, ({ url }) => (isAddress(url) ? known(url) : unknown(`Modal tells no address of ${SERVER}`))),
  };
};

const NOBODY_ASKED = unknown('nobody asked: no registry.yaml claims it');

/** An app that was only seen in the list of all. */
export const seenApp = (place: AppPlace, { version, deployedAt, deployedBy }: LiveApp): ObservedApp => ({
  adapter: 'modal',
  ...place,
  ...{ state: known('running'), version: known(version), deployedAt: known(deployedAt), deployedBy: known(deployedBy) },
  ...{ image: NOBODY_ASKED, settings: NOBODY_ASKED, secrets: NOBODY_ASKED, secretsCurrent: NOBODY_ASKED, url: NOBODY_ASKED },
});

/** An app that was stopped, or never was. */
export const goneApp = (place: AppPlace, stopped: StoppedApp | null): ObservedApp => ({
  adapter: 'modal',
  ...place,
  state: known(stopped ? 'stopped' : 'absent'),
  version: known(stopped?.version ?? null),
  deployedAt: known(stopped?.deployedAt ?? null),
  deployedBy: known(stopped?.deployedBy ?? null),
  ...(stopped === null ? {} : { stopped: { at: stopped.stoppedAt, by: stopped.stoppedBy } }),
  ...nothing,
});

/** An app of which nothing could be found out, for one reason. */
export const unknownApp = (place: AppPlace, reason: string): ObservedApp => {
  const fact = unknown(reason);
  const all = { state: fact, version: fact, deployedAt: fact, deployedBy: fact, image: fact, settings: fact, secrets: fact, secretsCurrent: fact, url: fact };
  return { adapter: 'modal', ...place, ...all } satisfies Omit<ObservedDeployment, 'kind' | 'schemaVersion'>;
};
