import { DEPLOY_ENVIRONMENTS, type HostingName } from '@pinlane/contracts';
import type { VerbContext } from '../../command/context.ts';
import { openHosting } from '../../deploy/hosting.ts';
import { openLocations } from '../../images/locations.ts';
import { workspacePaths } from '../../workspace/paths.ts';

/** Ends every app of this machine that jobs of a rehearsal deployed. What is on Modal stays. */
export const stopApps = async (adapter: HostingName, deployments: string, { root, env, progress }: VerbContext): Promise<void> => {
  if (adapter !== 'local') return;
  // The command may have been stopped; apps are ended all the same.
  const { signal } = new AbortController();
  const paths = { ...workspacePaths(root, 'local'), deployments };
  const hosting = openHosting('local', {
    lane: 'local',
    runtime: 'auto',
    env,
    locations: openLocations(paths, { insecureRegistries: new Set(), signal, progress }),
  });
  for (const environment of DEPLOY_ENVIRONMENTS) {
    const { others } = await hosting.survey(environment, [], signal);
    for (const { app } of others.known ? others.value : []) await hosting.stop({ environment, app }, { progress, signal });
  }
};
