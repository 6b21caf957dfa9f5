import { PLATFORMS, type Platform } from './platform.ts';

export const LANES = ['local', 'pr', 'dev', 'staging', 'main'] as const;
export type Lane = (typeof LANES)[number];

/** The rules of a lane: executors obey them, and the runbook is checked against them. */
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
  /** Whether it takes pins that name the local store; otherwise the pinned image must be in a registry. */
  readonly acceptsStorePins: boolean;
  /** Whether it builds from nothing that an earlier run left, and leaves nothing that another lane reads. */
  readonly fresh: boolean;
  /** Whether the report is attached to a pinned image that passed acceptance, unless told otherwise. */
  readonly attaches: boolean;
  /** The lane whose evidence an image must have before it is tested or deployed; null if any lane's will do where evidence is asked for. */
  readonly evidenceOf: 'staging' | null;
  /** `blocked`: acceptance counts only if the network of the processor was blocked. */
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
    evidenceOf: null,
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
    evidenceOf: null,
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
    evidenceOf: null,
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
    evidenceOf: null,
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
    evidenceOf: 'staging',
    egress: 'blocked',
  },
} as const satisfies Record<Lane, LaneRules>;

/** The rules of a lane. */
export const laneRules = (lane: Lane): LaneRules => LANE_TABLE[lane];
