import * as z from 'zod';
import { fail } from '@pinlane/contracts';
import { LIMITS } from './limits.ts';
import { digestOfName } from './names.ts';
import { askPython, runModal, type PythonClient } from './python.ts';
import { withSdk, type SdkClient } from './sdk.ts';
import { parseTold, serverInfoOf, type ServerInfo } from './server-info.ts';

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
import asyncio, dataclasses, json, sys, modal
ids = json.load(sys.stdin)
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
async def main():
    return await asyncio.gather(*[observe(id) for id in ids])
print(json.dumps(asyncio.run(main()), default=str))
`;

const failedSchema = z.looseObject({ object_id: z.string(), error: z.string(), text: z.string() });

/** What is told of one of many Servers: it, or why nothing is. */
export type ServerAnswer = { readonly known: true; readonly value: ServerInfo } | { readonly known: false; readonly reason: string };

const answerOf = (told: unknown): readonly [string, ServerAnswer] => {
  const failed = failedSchema.safeParse(told);
  if (failed.success) return [failed.data.object_id, { known: false, reason: `Modal's client: ${failed.data.error}: ${failed.data.text}` }];
  const value = serverInfoOf(told);
  return [value.id, { known: true, value }];
};

/**
 * Many Servers by their function ids, at most 32 at once, in one process. No container is woken.
 * @throws ERR_HOSTING_… if none can be told of
 */
export const describeServers = async (client: PythonClient, ids: readonly string[]): Promise<ReadonlyMap<string, ServerAnswer>> => {
  if (ids.length === 0) return new Map();
  const what = `reading ${ids.length} Servers`;
  // A Server takes a few ms; the API being down is noticed by the calls before and, in here, by the client's own first call.
  const timeoutMs = Math.min(LIMITS.observeMs, LIMITS.readMs + ids.length * 20);
  const text = await askPython(client, { args: ['-c', OBSERVE], what, timeoutMs, input: JSON.stringify(ids) });
  return new Map(z.array(z.unknown()).parse(parseTold(text, what)).map(answerOf));
};

const namesSchema = z.array(z.looseObject({ tag: z.string(), image_id: z.string() }));

/** The digests that image objects stand for, by Modal's ids of them: the names that were published hold them. @throws ERR_HOSTING_… */
export const publishedDigests = async (client: PythonClient): Promise<ReadonlyMap<string, string>> => {
  const what = `listing the published images of ${client.environment}`;
  const text = await runModal(client, { args: ['image', 'names', 'list', '--json'], what, timeoutMs: LIMITS.observeMs });
  const { data } = namesSchema.safeParse(parseTold(text, what));
  if (!data) return fail('ERR_HOSTING_REFUSED', "what Modal's client tells of published images is not what is known of it");
  const digests = data.map(({ tag, image_id }) => [image_id, digestOfName(tag)] as const);
  return new Map(digests.flatMap(([id, digest]) => (digest === null ? [] : [[id, digest] as const])));
};

const lifecycleSchema = z.looseObject({
  lifecycle: z.looseObject({
    state: z.string(),
    version: z.number().nullable(),
    deployed_at: z.string().nullable(),
    deployed_by: z.string().nullable(),
    stopped_at: z.string().nullable(),
    stopped_by: z.string().nullable(),
  }),
});

/** An app that is not live: when it was stopped and by whom; null if there never was one. */
export interface StoppedApp {
  readonly version: number | null;
  readonly stoppedAt: string | null;
  readonly stoppedBy: string | null;
}

/** Whether an app that is not among the live ones was stopped, or never was. @throws ERR_HOSTING_… */
export const findStopped = async (client: PythonClient, app: string): Promise<StoppedApp | null> => {
  const what = `looking for the app ${app}`;
  let text: string;
  try {
    text = await runModal(client, { args: ['app', 'info', app, '--json'], what, timeoutMs: LIMITS.readMs });
  } catch (thrown) {
    if (/No App with name/.test(String((thrown as Error).message))) return null;
    throw thrown;
  }
  const { data } = lifecycleSchema.safeParse(parseTold(text, what));
  if (!data) return fail('ERR_HOSTING_REFUSED', "what Modal's client tells of an app is not what is known of it");
  return { version: data.lifecycle.version, stoppedAt: data.lifecycle.stopped_at, stoppedBy: data.lifecycle.stopped_by };
};
