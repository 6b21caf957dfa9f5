import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EXIT, fail, type StoreServer } from '@pinlane/contracts';
import { serveStore } from '@pinlane/oci';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { reachBy } from '../../images/locations.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { insecureRegistries } from '../../workspace/settings.ts';
import type { StoreServeOptions } from './options.ts';

const MIB = 1024 * 1024;

/** Serves the store until it is stopped, which is how it ends well; layers that it left in registries are fetched when they are asked for. @throws ERR_STORE_LISTEN, ERR_OPTION_INVALID */
export const storeServe = async (
  { port, host, store, readonly: readOnly = false, blobLimitMb, quiet = false, insecureRegistry }: StoreServeOptions,
  { root, env, note, announce, signal }: VerbContext,
): Promise<VerbOutcome<StoreServer>> => {
  const folder = store === undefined ? workspacePaths(root, 'local').store : resolve(root, store);
  if ((await stat(folder).catch(() => null))?.isDirectory() === false) return fail('ERR_OPTION_INVALID', `--store: ${folder} is no folder`);
  const reach = reachBy({ insecureRegistries: insecureRegistries(insecureRegistry, env), signal, progress: note });
  const server = await serveStore({ root: folder, host, port, readOnly, blobLimit: blobLimitMb * MIB, log: note, logRequests: !quiet, reach });
  announce({
    document: { kind: 'StoreServer', schemaVersion: 1, origin: server.origin, root: folder, readOnly },
    lines: [`${folder} is served at ${server.origin}${readOnly ? ', to be read only' : ''}; Ctrl-C ends it`],
  });
  if (!signal.aborted) await once(signal, 'abort');
  await server.close();
  return { document: undefined, lines: [], exitCode: EXIT.good };
};
