import { laneRules, shortDigest, type DeployEnvironment, type Digest, type EvidenceFound, type HostingName, type Lane, type Problem } from '@pinlane/contracts';

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

/** The lane whose evidence a deployment needs: in `main` it is staging's; null if any lane's will do. */
const evidenceLane = (lane: Lane): Lane | null => (lane === 'main' ? 'staging' : null);

/** The newest report that allows a deployment in a lane, or what is wrong without one. */
export const evidenceFor = (
  { found, ignored }: EvidenceFound,
  { lane, digest }: { readonly lane: Lane; readonly digest: Digest },
): { readonly artifact: Digest } | { readonly problem: Problem } => {
  const wanted = evidenceLane(lane);
  const fitting = found.find((each) => wanted === null || each.lane === wanted);
  if (fitting !== undefined) return { artifact: fitting.artifact };
  const others = [...new Set(found.map((each) => each.lane))];
  const seen = [...others.map((other) => `one of lane ${other}`), ...ignored.map(({ reason }) => `one that is none: ${reason}`)];
  const of = wanted === null ? '' : `lane ${wanted}'s `;
  const message = `${of}passing acceptance report is not attached to ${shortDigest(digest)}${seen.length === 0 ? '' : `; attached is ${seen.join('; ')}`}`;
  return { problem: { code: 'ERR_EVIDENCE_MISSING', message: of === '' ? `a ${message}` : message } };
};
