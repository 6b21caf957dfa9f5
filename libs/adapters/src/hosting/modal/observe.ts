import * as z from 'zod';
import { fail, type Known } from '@pinlane/contracts';
import { LIMITS } from './limits.ts';
import { parsePublished } from './names.ts';
import type { PythonClient } from './python.ts';
import { withSdk, type SdkClient } from './sdk.ts';
import { parseTold, serverInfoOf, type ServerInfo } from './server-info.ts';
import { askAlive, runAlive } from './watch.ts';

/** An app that is live, as one call tells it of all apps of an environment. */
export interface LiveApp {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  /** Null if nothing was ever deployed under its name: an app that only images are built in. */
  readonly version: number | null;
  /** ISO 8601. */
  readonly deployedAt: string | null;
  readonly deployedBy: string | null;
  /** Function ids by the names of its Servers. */
  readonly servers: ReadonlyMap<string, string>;
}

/** The live apps of an environment; stopped ones are left out. @throws ERR_HOSTING_… */
export const listApps = (client: SdkClient): Promise<LiveApp[]> =>
  withSdk(client, { what: `listing the apps of ${client.environment}` }, async (sdk) => {
    const environment = await sdk.environments.fromName(client.environment).catch((thrown: unknown) => {
      if ((thrown as Error).name === 'NotFoundError') return fail('ERR_HOSTING_ENVIRONMENT', `Modal has no environment ${client.environment}`);
      throw thrown;
    });
    const apps: LiveApp[] = [];
    for await (const app of environment.apps.list()) {
      const { lifecycle, servers, description } = await app.info();
      apps.push({
        id: app.appId,
        name: app.name ?? description,
        state: lifecycle.state,
        version: lifecycle.version ?? null,
        deployedAt: lifecycle.deployedAt?.toISOString() ?? null,
        deployedBy: lifecycle.deployedBy ?? null,
        servers: new Map(Object.entries(servers)),
      });
    }
    return apps;
  });

// One process for all: each start of the client takes longer than hundreds of answers.
const OBSERVE = `
import asyncio, dataclasses, json, os, sys, modal
ids = json.load(sys.stdin)
environment = os.environ["MODAL_ENVIRONMENT"]
gate = asyncio.Semaphore(32)
async def observe(id):
    async with gate:
        try:
            server = modal.Server.from_id(id)
            info = dataclasses.asdict(await server.info.aio())
            scaling = dataclasses.asdict(await server.autoscaler.settings.aio())
            return {"object_id": id, **info, **scaling}
        except Exception as error:
            return {"object_id": id, "error": type(error).__name__, "text": str(error)[:300]}
async def secrets():
    try:
        found = await modal.Secret.objects.list.aio(environment_name=environment)
        return [{"id": each.object_id, "name": each.name, "keys": sorted(await each._get_keys.aio())} for each in found]
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
async def main():
    servers, named = await asyncio.gather(asyncio.gather(*[observe(id) for id in ids]), secrets())
    return {"servers": servers, "secrets": named}
print(json.dumps(asyncio.run(main()), default=str))
`;

const failedSchema = z.looseObject({ object_id: z.string(), error: z.string(), text: z.string() });

/** What is told of one of many Servers: it, or why nothing is. */
export type ServerAnswer = Known<ServerInfo>;

const answerOf = (told: unknown): readonly [string, ServerAnswer] => {
  const failed = failedSchema.safeParse(told);
  if (failed.success) return [failed.data.object_id, { known: false, reason: `Modal's client: ${failed.data.error}: ${failed.data.text}` }];
  const value = serverInfoOf(told);
  return [value.id, { known: true, value }];
};

/** A secret as Modal tells it: never a value. */
export interface ModalSecretKeys {
  readonly id: string;
  readonly name: string;
  readonly keys: readonly string[];
}

const observedSchema = z.looseObject({
  servers: z.array(z.unknown()),
  secrets: z.union([z.string(), z.array(z.strictObject({ id: z.string(), name: z.string(), keys: z.array(z.string()) }))]),
});

/** Servers of an environment, and the named secrets there. */
export interface ObservedServers {
  readonly servers: ReadonlyMap<string, ServerAnswer>;
  readonly secrets: Known<readonly ModalSecretKeys[]>;
}

/**
 * Many Servers by their function ids, at most 32 at once, and the named secrets of the environment, in one process. No container is woken.
 * @throws ERR_HOSTING_… if none can be told of
 */
export const describeServers = async (client: PythonClient, ids: readonly string[]): Promise<ObservedServers> => {
  const what = `reading Servers and secrets of ${client.environment}`;
  const timeoutMs = Math.min(LIMITS.observeMs, LIMITS.readMs + ids.length * 20);
  const text = await askAlive(client, { args: ['-c', OBSERVE], what, timeoutMs, input: JSON.stringify(ids) });
  const { data } = observedSchema.safeParse(parseTold(text, what));
  if (!data) return fail('ERR_HOSTING_REFUSED', "what Modal's client tells of Servers is not what is known of it");
  const secrets: ObservedServers['secrets'] =
    typeof data.secrets === 'string' ? { known: false, reason: `Modal's client: ${data.secrets}` } : { known: true, value: data.secrets };
  return { servers: new Map(data.servers.map(answerOf)), secrets };
};

const namesSchema = z.array(z.looseObject({ tag: z.string(), image_id: z.string() }));

/** A published name of ours, and the image object that it leads to. */
export interface PublishedName {
  readonly slug: string;
  readonly digest: string;
  readonly imageId: string;
}

/** The names of ours under which images are published in an environment. @throws ERR_HOSTING_… */
export const publishedNames = async (client: PythonClient): Promise<readonly PublishedName[]> => {
  const what = `listing the published images of ${client.environment}`;
  const text = await runAlive(client, { args: ['image', 'names', 'list', '--json'], what, timeoutMs: LIMITS.readMs });
  const { data } = namesSchema.safeParse(parseTold(text, what));
  if (!data) return fail('ERR_HOSTING_REFUSED', "what Modal's client tells of published images is not what is known of it");
  return data.flatMap(({ tag, image_id }) => {
    const name = parsePublished(tag);
    return name === null ? [] : [{ ...name, imageId: image_id }];
  });
};

const lifecycleSchema = z.looseObject({
  lifecycle: z.looseObject({
    state: z.string(),
    version: z.number().nullable(),
    deployed_at: z.string().nullable(),
    deployed_by: z.string().nullable(),
  }),
});

/** An app that was stopped: what ran until then, since when and by whom. */
export interface StoppedApp {
  readonly version: number | null;
  readonly deployedAt: string | null;
  readonly deployedBy: string | null;
}

/** An app that is not among the live ones, if it was stopped; null if there never was one. @throws ERR_HOSTING_… */
export const findStopped = async (client: PythonClient, app: string): Promise<StoppedApp | null> => {
  const what = `looking for the app ${app}`;
  let text: string;
  try {
    text = await runAlive(client, { args: ['app', 'info', app, '--json'], what, timeoutMs: LIMITS.readMs });
  } catch (thrown) {
    if (/No App with name/.test(String((thrown as Error).message))) return null;
    throw thrown;
  }
  const { data } = lifecycleSchema.safeParse(parseTold(text, what));
  if (!data) return fail('ERR_HOSTING_REFUSED', "what Modal's client tells of an app is not what is known of it");
  return { version: data.lifecycle.version, deployedAt: data.lifecycle.deployed_at, deployedBy: data.lifecycle.deployed_by };
};
