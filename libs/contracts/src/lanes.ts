import { PLATFORMS, type Platform } from './platform.ts';

export const LANES = ['local', 'pr', 'dev', 'staging', 'main'] as const;
export type Lane = (typeof LANES)[number];

/** What a lane may do; executors obey it, workflows and the runbook page are checked against it. */
export interface LaneRules {
  /** The platforms it builds unless told otherwise; empty: it may not build. */
  readonly builds: readonly Platform[];
  readonly imageUnderTest: 'working-tree' | 'pinned';
  readonly mayPush: boolean;
  /** `on-request`: by running `pin`; `yes`: as one commit; `no`: never. */
  readonly writesPins: 'no' | 'on-request' | 'yes';
  /** The Modal environment it deploys to; null: it does not deploy. */
  readonly deploysTo: 'dev' | 'staging' | 'main' | null;
  /** `own`: the developer's; `unset`: none may be set; a suffix: the environment variable is `<NAME><suffix>`. */
  readonly secrets: 'own' | 'unset' | '_STAGING' | '_PROD';
  /** Whether pins that name the local store are good enough. */
  readonly acceptsStorePins: boolean;
  /** Whether it builds from nothing that an earlier run left, and leaves nothing that another lane reads. */
  readonly fresh: boolean;
  /** Whether a passing acceptance of a pinned image is attached to it unless told otherwise. */
  readonly attaches: boolean;
  /** The least isolation of the network with which a passing acceptance counts. */
  readonly egress: 'any' | 'blocked';
}

/** The one table of lanes (design, section 4). */
export const LANE_TABLE = {
  local: {
    builds: PLATFORMS,
    imageUnderTest: 'working-tree',
    mayPush: false,
    writesPins: 'on-request',
    deploysTo: 'dev',
    secrets: 'own',
    acceptsStorePins: true,
    fresh: false,
    attaches: false,
    egress: 'any',
  },
  pr: {
    builds: PLATFORMS,
    imageUnderTest: 'working-tree',
    mayPush: false,
    writesPins: 'no',
    deploysTo: null,
    secrets: 'unset',
    acceptsStorePins: false,
    fresh: true,
    attaches: false,
    egress: 'blocked',
  },
  dev: {
    builds: [],
    imageUnderTest: 'pinned',
    mayPush: false,
    writesPins: 'no',
    deploysTo: null,
    secrets: 'unset',
    acceptsStorePins: false,
    fresh: false,
    attaches: false,
    egress: 'blocked',
  },
  staging: {
    builds: PLATFORMS,
    imageUnderTest: 'pinned',
    mayPush: true,
    writesPins: 'yes',
    deploysTo: 'staging',
    secrets: '_STAGING',
    acceptsStorePins: false,
    fresh: false,
    attaches: true,
    egress: 'blocked',
  },
  main: {
    builds: [],
    imageUnderTest: 'pinned',
    mayPush: false,
    writesPins: 'no',
    deploysTo: 'main',
    secrets: '_PROD',
    acceptsStorePins: false,
    fresh: false,
    attaches: false,
    egress: 'blocked',
  },
} as const satisfies Record<Lane, LaneRules>;

/** The rules of a lane. */
export const laneRules = (lane: Lane): LaneRules => LANE_TABLE[lane];
