import { appOf, contentOf, environmentOf, newId, valuesOf, type Account, type ModalApp, type ModalFunction, type ModalVersion } from './account.ts';
import { refuse, type Handler } from './calls.ts';
import { entriesOf, mapOf, type Entries } from './descriptors.ts';
import { openFront, type ProxyToken, type StartContainer } from './fronts.ts';

/** How Servers are run. */
export interface Hosting {
  readonly start: StartContainer;
  readonly token: ProxyToken;
  /** How many requests the version before still answers after a deploy, by app name: deploys roll. */
  readonly kept: Map<string, number>;
}

const dashboard = (app: ModalApp): string => `https://modal.invalid/apps/stand-in/${app.environment}/${app.id}`;

const lifecycleOf = (app: ModalApp) => ({
  app_state: app.state,
  created_at: app.createdAt,
  created_by: app.createdBy,
  deployed_at: app.live?.deployedAt ?? 0,
  deployed_by: app.live?.deployedBy ?? '',
  version: app.live?.version ?? 0,
  stopped_at: app.stoppedAt,
  stopped_by: app.stoppedBy,
});

const namesOf = (app: ModalApp, servers: boolean): Entries =>
  [...(app.live?.functions ?? [])].filter(([, each]) => each.is_server === servers).map(([value, { function_name: key }]) => ({ key, value }));

const handleOf = (app: ModalApp) => ({
  description: app.name,
  app_id: app.id,
  environment_name: app.environment,
  lifecycle: lifecycleOf(app),
  functions: namesOf(app, false),
  servers: namesOf(app, true),
});

const create = (account: Account, name: string, environment: string, state: ModalApp['state']): ModalApp => {
  const app: ModalApp = {
    id: newId('ap'),
    name,
    environment: environmentOf(account, environment),
    createdAt: account.now(),
    createdBy: account.user,
    state,
    created: new Map(),
    versions: [],
    live: null,
    stoppedAt: 0,
    stoppedBy: '',
    fronts: new Map(),
  };
  account.apps.set(app.id, app);
  return app;
};

const backendOf = (account: Account, hosting: Hosting, definition: ModalFunction) => ({
  start: () => {
    const { reference, commands, environment } = contentOf(account, definition.image_id);
    const values = valuesOf(account, definition.secret_ids);
    return hosting.start({ reference, commands, environment: new Map([...environment, ...values]), arguments: [], port: definition.http_config?.port ?? 8000 });
  },
  token: definition.http_config?.unauthenticated ? null : hosting.token,
});

/** Makes a version the one that runs: its containers are started anew, with what its secrets hold now. */
const goLive = (account: Account, hosting: Hosting, app: ModalApp, version: ModalVersion): void => {
  app.live = version;
  for (const id of version.functions.keys()) account.owners.set(id, app.id);
  app.state = 'APP_STATE_DEPLOYED';
  for (const [id, definition] of version.functions) app.fronts.get(id)?.replace(backendOf(account, hosting, definition), hosting.kept.get(app.name) ?? 0);
  for (const [id, front] of app.fronts) if (!version.functions.has(id)) front.replace(null);
};

interface NextVersion {
  readonly functions: ReadonlyMap<string, ModalFunction>;
  readonly by?: string;
  readonly rollbackOf?: number;
  readonly staged?: boolean;
}

/** Adds a version to an app, and lets it run unless it is staged. */
export const addVersion = (account: Account, hosting: Hosting, app: ModalApp, next: NextVersion): ModalVersion => {
  const version: ModalVersion = {
    version: (app.versions.at(-1)?.version ?? 0) + 1,
    functions: new Map(next.functions),
    deployedAt: account.now(),
    deployedBy: next.by ?? account.user,
    rollbackOf: next.rollbackOf ?? 0,
    staged: next.staged ?? false,
  };
  app.versions.push(version);
  if (!version.staged) goLive(account, hosting, app, version);
  return version;
};

/** Puts as many copies of a deployed app beside it, which share what it runs: for what many apps cost. */
export const multiply = (account: Account, app: ModalApp, count: number, nameOf = (at: number) => `${app.name}-${at}`): void => {
  const definition = [...app.live!.functions.values()][0]!;
  for (let at = 0; at < count; at++) {
    const [id, functionId] = [newId('ap'), newId('fu')];
    const live = { ...app.live!, functions: new Map([[functionId, definition]]) };
    account.apps.set(id, { ...app, id, name: nameOf(at), live, fronts: new Map() });
    account.owners.set(functionId, id);
  }
};

/** Stops an app for good. */
export const stopApp = (account: Account, app: ModalApp, by: string): void => {
  app.state = 'APP_STATE_STOPPED';
  app.stoppedAt = account.now();
  app.stoppedBy = by;
  for (const front of app.fronts.values()) front.replace(null);
};

const sameFunctions = (one: ReadonlyMap<string, ModalFunction>, other: ReadonlyMap<string, ModalFunction> | undefined): boolean =>
  other !== undefined && JSON.stringify([...one]) === JSON.stringify([...other]);

interface PublishRequest {
  readonly app_id: string;
  readonly name: string;
  readonly app_state: string;
  readonly function_ids: Entries;
  readonly staged: boolean;
}

/** What every call about an app needs. */
const finders = (account: Account) => ({
  byId: (id: string): ModalApp => account.apps.get(id) ?? refuse('NOT_FOUND', `App '${id}' not found`),
  deployed: (id: string): ModalApp => {
    const app = account.apps.get(id);
    return app?.state === 'APP_STATE_DEPLOYED' && app.live !== null ? app : refuse('FAILED_PRECONDITION', `App '${id}' is not deployed`);
  },
});

const publish = (account: Account, hosting: Hosting, app: ModalApp, request: PublishRequest) => {
  const ids = [...mapOf(request.function_ids).values()];
  const functions = new Map(ids.map((id) => [id, app.created.get(id) ?? app.live?.functions.get(id) ?? refuse('NOT_FOUND', `Function '${id}' not found`)]));
  app.created.clear();
  // 0 stands for "nothing changed".
  if (!request.staged && sameFunctions(functions, app.live?.functions)) return { url: dashboard(app), deployed_at: 0 };
  return { url: dashboard(app), deployed_at: addVersion(account, hosting, app, { functions, staged: request.staged }).deployedAt };
};

/** Looking apps up. */
const readCalls = (account: Account): Record<string, Handler> => {
  const { byId } = finders(account);
  return {
    AppGetByDeploymentName: ({ name, environment_name }: { name: string; environment_name: string }) => {
      const environment = environmentOf(account, environment_name);
      const live = appOf(account, environment, name);
      const found = live ?? appOf(account, environment, name, 'APP_STATE_STOPPED');
      return {
        ...(live ? { app_id: live.id } : { previous_app_id: found?.id ?? '' }),
        environment_name: environment,
        lifecycle: found ? lifecycleOf(found) : null,
      };
    },
    AppGetLayout: ({ app_id }: { app_id: string }) => {
      const ids = new Map([...(byId(app_id).live?.functions ?? [])].map(([id, { function_name }]) => [function_name, id]));
      return { app_layout: { function_ids: entriesOf(ids), objects: [...ids.values()].map((object_id) => ({ object_id })) } };
    },
    AppList: ({ environment_name }: { environment_name: string }) => {
      const environment = environmentOf(account, environment_name);
      const apps = [...account.apps.values()].filter((app) => app.environment === environment && app.state !== 'APP_STATE_INITIALIZING');
      return {
        apps: apps.map((app) => ({
          app_id: app.id,
          description: app.name,
          name: app.name,
          state: app.state,
          created_at: app.createdAt,
          stopped_at: app.stoppedAt,
          metadata: handleOf(app),
        })),
      };
    },
    AppGetInfo: ({ app_id }: { app_id: string }) => ({ info: handleOf(byId(app_id)), function_info_summaries: [] }),
    AppGetLifecycle: ({ app_id }: { app_id: string }) => ({ lifecycle: lifecycleOf(byId(app_id)) }),
    AppGetTags: () => ({ tags: [] }),
    AppDeploymentHistory: ({ app_id }: { app_id: string }) => {
      const { versions, live } = byId(app_id);
      const histories = versions.toReversed().map((each) => ({
        app_id,
        version: each.version,
        deployed_at: each.deployedAt,
        deployed_by: each.deployedBy,
        rollback_version: each.rollbackOf,
        rollback_allowed: true,
      }));
      return { app_deployment_histories: histories, production_app_version: live?.version ?? 0 };
    },
    TaskList: () => ({ tasks: [] }),
  };
};

/** Changing apps. */
const writeCalls = (account: Account, hosting: Hosting): Record<string, Handler> => {
  const { byId, deployed } = finders(account);
  const again = (app: ModalApp, next: Omit<NextVersion, 'by'>) => ({ url: dashboard(app), deployed_at: addVersion(account, hosting, app, next).deployedAt });
  return {
    AppCreate: ({ description, environment_name }: { description: string; environment_name: string }) => {
      const app = create(account, description, environment_name, 'APP_STATE_INITIALIZING');
      return { app_id: app.id, app_page_url: dashboard(app), app_logs_url: dashboard(app) };
    },
    // With this one, an app is there and deployed, and empty: whoever builds under the name of a target leaves one.
    AppGetOrCreate: (request: { app_name: string; environment_name: string; object_creation_type: string }) => {
      const found = appOf(account, environmentOf(account, request.environment_name), request.app_name);
      if (!found && !request.object_creation_type.includes('CREATE')) return refuse('NOT_FOUND', `App '${request.app_name}' not found`);
      const app = found ?? create(account, request.app_name, request.environment_name, 'APP_STATE_DEPLOYED');
      return { app_id: app.id, handle_metadata: handleOf(app) };
    },
    AppHeartbeat: () => ({}),
    AppSetTags: () => ({}),
    AppPublish: (request: PublishRequest) => publish(account, hosting, byId(request.app_id), request),
    AppClientDisconnect: () => ({}),
    AppRollover: ({ app_id }: { app_id: string }) => again(deployed(app_id), { functions: deployed(app_id).live!.functions }),
    AppRollback: ({ app_id, version }: { app_id: string; version: number }) => {
      const app = deployed(app_id);
      const all = app.versions.filter((each) => !each.staged);
      const target = version === -1 ? all[all.indexOf(app.live!) - 1] : all.find((each) => each.version === version);
      if (!target) return refuse('FAILED_PRECONDITION', 'there is no such version to go back to');
      return again(app, { functions: target.functions, rollbackOf: target.version });
    },
    AppStop: ({ app_id }: { app_id: string }) => {
      stopApp(account, byId(app_id), account.user);
      return {};
    },
  };
};

const dataOf = (definition: ModalFunction, urls: readonly string[]) => ({
  ...Object.fromEntries(
    ['module_name', 'function_name', 'function_type', 'http_config', 'autoscaler_settings', 'is_server', 'is_sessioned', 'routing_region', 'timeout_secs'].map(
      (name) => [name, definition[name]],
    ),
  ),
  ranked_functions: [{ rank: 0, function: definition }],
  flash_service_urls: urls,
});

const metadataOf = (app: ModalApp, name: string, id: string, urls: readonly string[]) => ({
  function_name: name,
  function_type: 'FUNCTION_TYPE_FUNCTION',
  definition_id: `de-${id.slice(3)}`,
  app_id: app.id,
  _experimental_flash_urls: urls,
});

/** A definition as it is told: its image may be another than was deployed. */
const told = ({ reported }: Account, definition: ModalFunction): ModalFunction => ({
  ...definition,
  image_id: reported.get(definition.image_id) ?? definition.image_id,
});

interface CreateRequest {
  readonly app_id: string;
  readonly existing_function_id: string;
  readonly function: ModalFunction | null;
  readonly function_data: ({ readonly ranked_functions: readonly { readonly function: ModalFunction }[] } & Record<string, unknown>) | null;
}

/** Functions, among which Servers are. */
const functionCalls = (account: Account): Record<string, Handler> => {
  const { byId } = finders(account);
  const describe = (app: ModalApp, id: string, definition: ModalFunction) => {
    const url = account.urls.get(app.name) ?? app.fronts.get(id)?.url;
    const urls = url === undefined ? [] : [url];
    return { function_id: id, function: dataOf(told(account, definition), urls), handle_metadata: metadataOf(app, definition.function_name, id, urls) };
  };
  const byFunctionId = (id: string) => {
    const app = account.apps.get(account.owners.get(id) ?? '');
    const isLive = app?.state === 'APP_STATE_DEPLOYED' && app.live?.functions.has(id);
    return isLive ? describe(app, id, app.live!.functions.get(id)!) : refuse('NOT_FOUND', `Function '${id}' not found`);
  };
  return {
    FunctionPrecreate: (request: { app_id: string; function_name: string; existing_function_id: string }) => {
      const id = request.existing_function_id || newId('fu');
      return { function_id: id, handle_metadata: metadataOf(byId(request.app_id), request.function_name, id, []) };
    },
    FunctionCreate: async (request: CreateRequest) => {
      const app = byId(request.app_id);
      const first = request.function ?? request.function_data?.ranked_functions[0]?.function;
      if (!first) return refuse('INVALID_ARGUMENT', 'no function');
      const definition = { ...request.function_data, ...first } as ModalFunction;
      const id = request.existing_function_id || newId('fu');
      if (!app.fronts.has(id)) app.fronts.set(id, await openFront());
      app.created.set(id, definition);
      const { function: function_data, handle_metadata } = describe(app, id, definition);
      return { function_id: id, function: definition, function_data, handle_metadata };
    },
    FunctionGet: ({ app_name, object_tag, environment_name }: { app_name: string; object_tag: string; environment_name: string }) => {
      const app = appOf(account, environmentOf(account, environment_name), app_name);
      const [id] = [...(app?.live?.functions ?? [])].find(([, each]) => each.function_name === object_tag) ?? [];
      return id === undefined ? refuse('NOT_FOUND', `Lookup failed for Function '${object_tag}' from the '${app_name}' app`) : byFunctionId(id);
    },
    FunctionGetById: ({ function_id }: { function_id: string }) => byFunctionId(function_id),
    FunctionGetSchedulingParams: ({ function_id }: { function_id: string }) => ({
      autoscaler_configuration: { settings: byFunctionId(function_id).function.ranked_functions[0]!.function.autoscaler_settings },
    }),
  };
};

/** Apps and their functions. */
export const appCalls = (account: Account, hosting: Hosting): Record<string, Handler> => ({
  ...readCalls(account),
  ...writeCalls(account, hosting),
  ...functionCalls(account),
});
