import { contentOf, newId, valuesOf, type Account, type ModalSandbox } from './account.ts';
import { refuse, type Handler } from './calls.ts';
import { openFront, type StartContainer } from './fronts.ts';

/** What Sandboxes are run with. */
export interface SandboxHosting {
  readonly start: StartContainer;
  /** Tunnels are HTTPS: their key and certificate. */
  readonly certificate: { readonly key: Buffer; readonly cert: Buffer };
}

interface CreateRequest {
  readonly app_id: string;
  readonly definition: {
    readonly image_id: string;
    readonly entrypoint_args: readonly string[];
    readonly secret_ids: readonly string[];
    readonly timeout_secs: number;
    readonly open_ports: { readonly ports: readonly { readonly port: number }[] } | null;
  };
}

const end = async (sandbox: ModalSandbox): Promise<void> => {
  sandbox.running = false;
  await Promise.all([...sandbox.fronts.values()].map((front) => front.close()));
};

const create = async (account: Account, hosting: SandboxHosting, { app_id, definition }: CreateRequest) => {
  if (!account.apps.has(app_id)) return refuse('NOT_FOUND', `App '${app_id}' not found`);
  const { reference, commands, environment } = contentOf(account, definition.image_id);
  const values = valuesOf(account, definition.secret_ids);
  const sandbox: ModalSandbox = {
    // Longer than the ids of Sandboxes of the first kind, by which clients tell the two apart.
    id: `${newId('sb')}V2`,
    appId: app_id,
    imageId: definition.image_id,
    secretIds: definition.secret_ids,
    arguments: definition.entrypoint_args,
    timeoutSecs: definition.timeout_secs,
    running: true,
    fronts: new Map(),
  };
  for (const { port } of definition.open_ports?.ports ?? []) {
    const front = await openFront(hosting.certificate);
    const plan = { reference, commands, environment: new Map([...environment, ...values]), arguments: sandbox.arguments, port };
    front.replace({ start: () => hosting.start(plan), token: null });
    front.wake();
    sandbox.fronts.set(port, front);
  }
  account.sandboxes.set(sandbox.id, sandbox);
  setTimeout(() => void end(sandbox), sandbox.timeoutSecs * 1000).unref();
  return { sandbox_id: sandbox.id, task_id: newId('ta') };
};

/** Sandboxes, of the second kind; a tunnel bypasses the proxy, and asks for no credentials. */
export const sandboxCalls = (account: Account, hosting: SandboxHosting): Record<string, Handler> => {
  const byId = (id: string): ModalSandbox => account.sandboxes.get(id) ?? refuse('NOT_FOUND', `Sandbox '${id}' not found`);
  return {
    SandboxCreateV2: (request: CreateRequest) => create(account, hosting, request),
    SandboxGetTunnelsV2: ({ sandbox_id }: { sandbox_id: string }) => ({
      result: { status: 'GENERIC_STATUS_SUCCESS' },
      tunnels: [...byId(sandbox_id).fronts].map(([container_port, { host, port }]) => ({ host, port, container_port })),
    }),
    SandboxTerminateV2: async ({ sandbox_id }: { sandbox_id: string }) => {
      await end(byId(sandbox_id));
      return {};
    },
    SandboxWaitV2: ({ sandbox_id }: { sandbox_id: string }) => ({
      result: byId(sandbox_id).running ? { status: 'GENERIC_STATUS_UNSPECIFIED' } : { status: 'GENERIC_STATUS_TERMINATED' },
      metadata: { app_id: byId(sandbox_id).appId },
    }),
  };
};
