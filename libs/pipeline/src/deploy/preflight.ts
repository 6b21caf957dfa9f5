import { laneRules, type DeployEnvironment, type HostingName, type Lane, type Problem } from '@pinlane/contracts';

/** The environment that a lane deploys to; null if it deploys nowhere. */
export const environmentOf = (lane: Lane): DeployEnvironment | null => laneRules(lane).deploysTo;

/** Why a lane may not deploy to a platform from here; empty if it may. */
export const whyLaneForbids = (lane: Lane, { hosting, ci }: { readonly hosting: HostingName; readonly ci: boolean }): readonly Problem[] => {
  const environment = environmentOf(lane);
  if (environment === null) return [{ code: 'ERR_LANE_FORBIDS', message: `lane ${lane} deploys nothing` }];
  if (environment === 'dev' && ci && hosting === 'modal')
    return [
      {
        code: 'ERR_LANE_FORBIDS',
        message: 'CI deploys nothing to the environment dev of modal, which belongs to people',
        fix: 'Deploy in lane staging or main, or rehearse on this machine: --adapter=local.',
      },
    ];
  return [];
};
