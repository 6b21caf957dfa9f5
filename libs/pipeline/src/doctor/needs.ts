import { laneRules, type DeployEnvironment, type HostingName, type Lane, type ProcessorSpec } from '@pinlane/contracts';

/** What was asked for, and what of the workspace decides what a lane needs. */
export interface NeedFacts {
  readonly lane: Lane;
  /** The hosting platform that an option or a variable names. */
  readonly adapter: HostingName | undefined;
  /** The engine that an option, a variable or nx.json names. */
  readonly engine: 'auto' | 'embedded' | 'docker';
  readonly specs: readonly Pick<ProcessorSpec, 'deploy'>[];
  /** The Dockerfiles that only Docker builds. */
  readonly dockerOnly: readonly string[];
  /** Whether the base that some processor builds on has to be assembled here. */
  readonly assembles: boolean;
}

/** What a lane needs; null if it does not, else what for. */
export interface LaneNeeds {
  readonly engine: string | null;
  readonly docker: string | null;
  readonly base: string | null;
  readonly runtime: string | null;
  readonly push: string | null;
  readonly pull: string | null;
  readonly modal: string | null;
  readonly environment: DeployEnvironment | null;
  /** Where processors are deployed in this lane. */
  readonly adapters: readonly HostingName[];
}

/** Where the processors of a lane are deployed: to Modal where nothing says. A developer deploys at will, so that lane local does only what was asked for. */
const adaptersOf = ({ lane, adapter, specs }: NeedFacts): HostingName[] => {
  if (laneRules(lane).deploysTo === null) return [];
  const named = specs.map(({ deploy }) => adapter ?? (lane === 'local' ? 'local' : (deploy.adapter ?? 'modal')));
  return [...new Set(named)].sort();
};

/** Decides what a lane needs of a machine and of accounts, by the table of lanes and by what the workspace has. */
export const laneNeeds = (facts: NeedFacts): LaneNeeds => {
  const { lane, specs, engine, dockerOnly, assembles } = facts;
  const rules = laneRules(lane);
  const adapters = adaptersOf(facts);
  const builds = rules.builds.length > 0 && specs.length > 0;
  const when = (needed: boolean, what: string): string | null => (needed ? what : null);
  const byDocker = builds && (engine === 'docker' || (engine === 'auto' && dockerOnly.length > 0));
  const why = engine === 'docker' ? 'the engine docker was asked for' : `only Docker builds ${dockerOnly.join(', ')}`;
  return {
    engine: when(builds, `lane ${lane} builds images`),
    docker: when(byDocker, why),
    base: when(builds && assembles, `lane ${lane} builds on it`),
    runtime: when(
      specs.length > 0,
      rules.egress === 'blocked' ? `lane ${lane} accepts only what ran with its network blocked` : 'acceptance runs images in it',
    ),
    push: when(rules.mayPush && specs.length > 0, `lane ${lane} pushes images there`),
    pull: when(!rules.acceptsStorePins && rules.builds.length === 0, `lane ${lane} takes pinned images from there`),
    modal: when(adapters.includes('modal'), `lane ${lane} deploys to Modal`),
    environment: rules.deploysTo,
    adapters,
  };
};
