import type { ModalClient } from 'modal';
import { fail } from '@pinlane/contracts';
import { inParallel } from '@pinlane/oci';
import { isNotFound } from './failures.ts';
import { LIMITS } from './limits.ts';
import { RUN_CLIENT, type PythonClient } from './python.ts';
import { withSdk, type SdkClient } from './sdk.ts';
import { askAlive } from './watch.ts';

/** Modal tells no value, and is asked by one key at a time: what it says of several is words. */
const keysIn = async (sdk: ModalClient, environment: string, name: string, keys: readonly string[]): Promise<readonly string[] | null> => {
  const has = async (requiredKeys: readonly string[]): Promise<boolean> => {
    try {
      await sdk.secrets.fromName(name, { environment, requiredKeys: [...requiredKeys] });
      return true;
    } catch (thrown) {
      if (isNotFound(thrown)) return false;
      throw thrown;
    }
  };
  if (!(await has([]))) return null;
  const found = await Promise.all(keys.map((key) => has([key])));
  return keys.filter((_, at) => found[at]);
};

/** Which of some keys a secret has; null if there is no such secret. @throws ERR_HOSTING_… */
export const secretKeys = (client: SdkClient, name: string, keys: readonly string[]): Promise<readonly string[] | null> =>
  withSdk(client, { what: `looking for the secret ${name}` }, (sdk) => keysIn(sdk, client.environment, name, keys));

/** How many secrets are asked for at once. */
const AT_ONCE = 16;

/** The same for many secrets by their names, over one connection. @throws ERR_HOSTING_… */
export const keysOfSecrets = (client: SdkClient, wanted: ReadonlyMap<string, readonly string[]>): Promise<ReadonlyMap<string, readonly string[] | null>> =>
  withSdk(client, { what: `looking for secrets in ${client.environment}` }, async (sdk) => {
    const found = new Map<string, readonly string[] | null>();
    await inParallel([...wanted], AT_ONCE, async ([name, keys]) => void found.set(name, await keysIn(sdk, client.environment, name, keys)));
    return found;
  });

/** Takes a secret away; it is good if there is none. @throws ERR_HOSTING_… */
export const deleteSecret = (client: SdkClient, name: string): Promise<void> =>
  withSdk(client, { what: `deleting the secret ${name}` }, (sdk) => sdk.secrets.delete(name, { environment: client.environment, allowMissing: true }));

// The client reads values from arguments and from files. This is a file that has no name and, where the system has such, no disk: it is gone with the process.
const CREATE = `
import tempfile
if hasattr(os, "memfd_create"):
    file = os.fdopen(os.memfd_create("values"), "w+b")
else:
    file = tempfile.TemporaryFile()
file.write(given)
file.flush()
file.seek(0)
sys.argv += ["--from-json", f"/dev/fd/{file.fileno()}"]
${RUN_CLIENT}`;

/**
 * Makes a secret hold these values and no others. They go to the client through a pipe, and from there to Modal: no argument and no file has them.
 * @throws ERR_HOSTING_…, ERR_TOOL_MISSING, ERR_CANCELLED
 */
export const putSecret = async (client: PythonClient, name: string, values: ReadonlyMap<string, string>): Promise<void> => {
  if (values.size === 0) return fail('ERR_OPTION_INVALID', `the secret ${name} has no value: Modal keeps no empty secret`);
  await askAlive(client, {
    code: CREATE,
    args: ['secret', 'create', name, '--force', '--env', client.environment],
    what: `writing the secret ${name}`,
    timeoutMs: LIMITS.readMs,
    input: JSON.stringify(Object.fromEntries(values)),
    secrets: [...values.values()].flatMap((value) => [value, JSON.stringify(value).slice(1, -1)]),
  });
};
