import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { withLock } from '@pinlane/oci';
import type { AppPlace } from '@pinlane/pipeline';
import type { WorkspacePaths } from '../workspace/paths.ts';

/** How long another command may work on the same app before this one gives up, in ms. */
const PATIENCE_MS = 300_000;

/** Works on an app while no other command on this machine does. @throws ERR_LOCKED, ERR_CANCELLED, and what `work` throws */
export const withAppLock = <T>(
  adapter: string,
  { environment, app }: AppPlace,
  { appLocks }: Pick<WorkspacePaths, 'appLocks'>,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> => {
  const name = createHash('sha256')
    .update(JSON.stringify([adapter, environment, app]))
    .digest('hex')
    .slice(0, 32);
  const place = {
    folder: join(appLocks, `deploy-${name}`),
    temporary: join(appLocks, 'tmp'),
    patienceMs: PATIENCE_MS,
    what: `the app ${app} in environment ${environment}`,
    signal,
  };
  return withLock(place, work);
};
