import {
  ARCHITECTURES,
  formatReference,
  platformOf,
  shortDigest,
  type DeployEnvironment,
  type Digest,
  type DriftDifference,
  type DriftEntry,
  type DriftUnknown,
  type Known,
  type Ref,
} from '@pinlane/contracts';
import type { PinnedSpec } from '../pin/pinned.ts';
import { deploymentDiffers, differenceLine, keyText } from './differs.ts';
import type { DeploymentPlan, ObservedApp } from './hosting.ts';

/** What was asked besides the control plane; null is what nobody asked for. */
export interface AskedFacts {
  /** The digest that the app itself answers with. */
  readonly serving: Known<Digest | null> | null;
  readonly nameLeadsToPin: Known<boolean> | null;
  /** Where else an app of that name runs; asked only where there is none. */
  readonly elsewhere: Known<readonly DeployEnvironment[]> | null;
}

/** What an app is judged by besides its plan. */
export interface DriftFacts {
  readonly app: ObservedApp;
  readonly asked: AskedFacts;
  /** The pins of the other platforms, by which an image for another machine is known. */
  readonly pins: PinnedSpec['pins'];
  /** Whether keys of secrets may lack: a rehearsal on this machine is not held to have them. */
  readonly lenient: boolean;
}

const NOTHING_ASKED = { serving: null, nameLeadsToPin: null } as const;

/** Keys that are stored and that nobody declares: a deployment leaves them alone, so they are no reason for one. */
const undeclaredKeys = ({ secret, settings: { secrets } }: DeploymentPlan, { secrets: found }: ObservedApp): DriftDifference[] => {
  const declared = new Set([...secrets.required, ...secrets.optional]);
  const keys = (found.known ? found.value : []).filter(({ name }) => name === secret).flatMap(({ keys: all }) => all);
  return keys.filter((key) => !declared.has(key)).map((key) => ({ what: 'secret', name: secret, expected: null, found: keyText(key) }));
};

const staleSecret = ({ secret }: DeploymentPlan): DriftDifference => ({
  ...{ what: 'secret', name: secret },
  ...{ expected: 'the values that it has now', found: 'values that it had before' },
});

/** What was asked of the app itself, and of the published name. */
const askedDiffers = ({ image }: DeploymentPlan, { serving, nameLeadsToPin }: AskedFacts): DriftDifference[] => [
  ...(serving?.known && serving.value !== image.digest ? [{ what: 'serving', name: null, expected: image.digest, found: serving.value } as const] : []),
  ...(nameLeadsToPin?.known && !nameLeadsToPin.value ? [{ what: 'name', name: null, expected: image.digest, found: null } as const] : []),
];

const elsewhereDiffers = ({ place }: DeploymentPlan, { elsewhere }: AskedFacts): DriftDifference[] =>
  (elsewhere?.known ? elsewhere.value : []).map((found) => ({ what: 'environment', name: null, expected: place.environment, found }));

const unknownOf = ({ serving, nameLeadsToPin, elsewhere }: AskedFacts): DriftUnknown[] =>
  Object.entries({ serving, name: nameLeadsToPin, environment: elsewhere }).flatMap(([what, fact]) =>
    fact === null || fact.known ? [] : [{ what, reason: fact.reason }],
  );

/** The pin that a digest is of, in words; empty if it is of none. */
const otherPin = (digest: string | null, pins: PinnedSpec['pins']): string => {
  const architecture = ARCHITECTURES.find((each) => pins[each]?.digest === digest);
  return architecture === undefined ? '' : ` (it is the one that is pinned for ${platformOf(architecture)})`;
};

/** When what runs was deployed, or was stopped, and by whom. */
const since = ({ deployedAt, deployedBy, stopped }: ObservedApp): Pick<DriftEntry, 'since' | 'by'> =>
  stopped === undefined
    ? { since: deployedAt.known ? deployedAt.value : null, by: deployedBy.known ? deployedBy.value : null }
    : { since: stopped.at, by: stopped.by };

/** Since when and by whom, as far as it is known, for a line. */
const sinceText = ({ since: at, by }: Pick<DriftEntry, 'since' | 'by'>): string => [at === null ? '' : ` since ${at}`, by === null ? '' : ` by ${by}`].join('');

type Judged = Pick<DriftEntry, 'verdict' | 'message' | 'differences' | 'unknown'>;

const reasonsOf = (unknown: readonly DriftUnknown[]): string => [...new Set(unknown.map(({ what, reason }) => `${what}: ${reason}`))].join('; ');

const judgeAbsent = ({ place }: DeploymentPlan, differences: DriftDifference[], unknown: DriftUnknown[]): Judged => {
  const where = differences.flatMap(({ what, found }) => (what === 'environment' ? [found] : []));
  const message =
    where.length > 0
      ? `it does not run in ${place.environment}: an app of that name runs in ${where.join(' and ')} instead`
      : `nothing runs in ${place.environment} under that name`;
  return { verdict: 'missing', message, differences, unknown };
};

const judge = (plan: DeploymentPlan, { app, asked, pins, lenient }: DriftFacts): Judged => {
  const compared = deploymentDiffers(plan, app, { lenient });
  const unknown = [...compared.unknown, ...unknownOf(asked)];
  if (!app.state.known) return { verdict: 'unverifiable', message: reasonsOf([{ what: 'state', reason: app.state.reason }]), differences: [], unknown };
  const { value: state } = app.state;
  if (state === 'absent') return judgeAbsent(plan, [...compared.differs, ...elsewhereDiffers(plan, asked)], unknown);
  if (state === 'stopped') {
    const differences = compared.differs.filter(({ what }) => what === 'state');
    return { verdict: 'stopped', message: `it was stopped${sinceText(since(app))}`, differences, unknown: [] };
  }
  const differences = [
    ...compared.differs,
    ...(lenient ? [] : undeclaredKeys(plan, app)),
    ...(compared.staleSecrets ? [staleSecret(plan)] : []),
    ...askedDiffers(plan, asked),
  ];
  if (differences.length > 0) {
    const lines = differences.map((each) => `${differenceLine(each)}${each.what === 'image' ? otherPin(each.found, pins) : ''}`);
    return { verdict: 'drifted', message: `${lines.join('; ')}${sinceText(since(app))}`, differences, unknown };
  }
  if (unknown.length > 0) return { verdict: 'unverifiable', message: reasonsOf(unknown), differences, unknown };
  return { verdict: 'in-sync', message: `${shortDigest(plan.image.digest)} is configured, as it is pinned`, differences, unknown };
};

/**
 * Compares an app with its plan. What is known to differ is drift, whatever else could not be told; what could not be told is never taken for good. Neither a
 * version nor a time has a say, so a rollover of the same image is no drift, and clocks may be apart.
 */
export const driftOf = (plan: DeploymentPlan, facts: DriftFacts): DriftEntry => {
  const judged = judge(plan, facts);
  const { serving, nameLeadsToPin } = facts.asked;
  return {
    ...{ ref: plan.ref, app: plan.place.app, ...judged, pinned: formatReference(plan.image), observed: facts.app },
    ...{ serving, nameLeadsToPin, ...(judged.verdict === 'in-sync' ? { since: null, by: null } : since(facts.app)) },
  };
};

/** A processor that has no pin for the platform: nothing of it is to run. */
export const driftOfUnpinned = (ref: Ref, app: ObservedApp): DriftEntry => {
  const base = { ref, app: app.app, pinned: null, observed: app, ...NOTHING_ASKED };
  const { state } = app;
  if (!state.known) {
    const unknown = [{ what: 'state', reason: state.reason }];
    return { ...base, verdict: 'unverifiable', message: reasonsOf(unknown), differences: [], unknown, since: null, by: null };
  }
  if (state.value !== 'running')
    return { ...base, verdict: 'in-sync', message: 'nothing is pinned, and nothing runs', differences: [], unknown: [], since: null, by: null };
  const difference: DriftDifference = { what: 'image', name: null, expected: null, found: app.image.known ? app.image.value : null };
  const message = `it runs, and registry.yaml pins nothing${sinceText(since(app))}`;
  return { ...base, verdict: 'drifted', message, differences: [difference], unknown: [], ...since(app) };
};

/** A processor of which nothing could be told, for one reason: its registry.yaml, for one, can't be read. @param app its file, where its app has no name yet */
export const driftUnknown = (ref: Ref | null, app: string, reason: string): DriftEntry => ({
  ...{ ref, app, verdict: 'unverifiable', message: reason, pinned: null, observed: null, differences: [], unknown: [{ what: 'plan', reason }] },
  ...{ ...NOTHING_ASKED, since: null, by: null },
});
