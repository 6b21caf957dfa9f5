import { fail } from '@pinlane/contracts';
import { LIMITS } from './limits.ts';
import { HELPER_APP } from './names.ts';
import { withSdk, type SdkClient } from './sdk.ts';

/** A Sandbox to be started. */
export interface WantedSandbox {
  /** Modal's id of the very image that runs. */
  readonly imageId: string;
  /** What is run in it: the SDK's own default sleeps. */
  readonly command: readonly string[];
  readonly port: number;
  /** How long it may live at the longest, in s: Modal itself ends it then, whatever happens here. */
  readonly lifeSeconds: number;
  /** The app that it runs in; the one of all deployments if absent. */
  readonly runsIn?: string;
}

/** A Sandbox that runs. */
export interface RunningSandbox {
  readonly id: string;
  readonly url: string;
  /** Ends it; again if it was refused once. @throws ERR_DEPLOY_CLEANUP if it can't be ended, with its id and until when it lives */
  readonly remove: () => Promise<void>;
}

const REMOVALS = 3;

/** Ends a Sandbox, also if the command was interrupted. */
const removeSandbox = async (client: SdkClient, id: string, lifeSeconds: number): Promise<void> => {
  const calm = { ...client, signal: new AbortController().signal };
  for (let attempt = 1; ; attempt++)
    try {
      return await withSdk(calm, { what: `ending the Sandbox ${id}` }, async (sdk) => {
        await (await sdk.sandboxes.fromId(id)).terminate();
      });
    } catch (thrown) {
      if (attempt < REMOVALS) continue;
      return fail('ERR_DEPLOY_CLEANUP', `the Sandbox ${id} could not be ended; Modal ends it itself ${lifeSeconds} s after its start`, { cause: thrown });
    }
};

/** How long the answer to a creation is waited for after an interruption, in ms: it alone tells the id by which a Sandbox can be ended. */
const GRACE_MS = 20_000;

/** A signal that comes so long after another one; at once if that has come already. */
const after = (signal: AbortSignal, ms: number): { readonly signal: AbortSignal; readonly end: () => void } => {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => void (timer = setTimeout(() => controller.abort(), ms));
  if (signal.aborted) controller.abort();
  else signal.addEventListener('abort', begin, { once: true });
  const end = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', begin);
  };
  return { signal: controller.signal, end };
};

/**
 * Starts the image that runs in a Sandbox, with no secrets, behind a tunnel that no proxy guards.
 * @throws ERR_HOSTING_…, ERR_CANCELLED; nothing runs then
 */
export const startSandbox = async (client: SdkClient, { imageId, command, port, lifeSeconds, runsIn = HELPER_APP }: WantedSandbox): Promise<RunningSandbox> => {
  let id: string | null = null;
  const patient = after(client.signal, GRACE_MS);
  const goOn = (): void => {
    if (client.signal.aborted) fail('ERR_CANCELLED', 'interrupted while starting a Sandbox');
  };
  try {
    const url = await withSdk({ ...client, signal: patient.signal }, { what: 'starting a Sandbox', limitMs: 60_000, callMs: 60_000 }, async (sdk) => {
      const helper = await sdk.apps.fromName(runsIn, { environment: client.environment, createIfMissing: true });
      goOn();
      const image = await sdk.images.fromId(imageId);
      goOn();
      const sandbox = await sdk.sandboxes.create(helper, image, { command: [...command], encryptedPorts: [port], timeoutMs: lifeSeconds * 1000, secrets: [] });
      id = sandbox.sandboxId;
      goOn();
      return (await sandbox.tunnels(LIMITS.callMs))[port]?.url ?? fail('ERR_HOSTING_REFUSED', `Modal opened no tunnel to port ${port} of the Sandbox ${id}`);
    });
    const started = id!;
    return { id: started, url, remove: () => removeSandbox(client, started, lifeSeconds) };
  } catch (thrown) {
    if (id !== null) await removeSandbox(client, id, lifeSeconds);
    throw thrown;
  } finally {
    patient.end();
  }
};
