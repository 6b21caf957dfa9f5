import { awaitServing, headRevision, requestsTo, type ServingFound } from '@pinlane/adapters';
import {
  asPinlaneError,
  EXIT,
  formatProblem,
  formatReference,
  isPinlaneError,
  laneRules,
  shortDigest,
  type Deployment,
  type Digest,
  type Problem,
} from '@pinlane/contracts';
import { deploymentDiffers, differenceLine, type DeploymentPlan, type ObservedApp } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../command/context.ts';
import type { OptionsOf } from '../command/verb.ts';
import { withAppLock } from './app-lock.ts';
import { keepReport } from './keep-report.ts';
import type { proving } from './options.ts';
import { isRehearsal, preflight } from './preflight.ts';
import { targetOf, type DeployTarget, type TargetParts } from './target.ts';

/** The options of a deployment that is proven: see `proving`. */
export type ProvingOptions = OptionsOf<typeof proving>;

/** How long one look at /healthz is given where it only decides whether there is anything to do, in ms. */
const LOOK_MS = 5_000;

/** A fact that nobody was asked for. */
export const UNASKED = { known: false, reason: 'nobody asked' } as const;

/** What was found of a deployment. */
export type Found = Pick<Deployment, 'outcome' | 'reasons' | 'url' | 'configured' | 'serving' | 'evidence'>;

/** The record of a deployment. */
export const documentOf = async ({ plan, lane, hosting }: DeployTarget, found: Found, { root }: VerbContext): Promise<Deployment> => ({
  kind: 'Deployment',
  schemaVersion: 1,
  at: new Date().toISOString(),
  ref: plan.ref,
  lane,
  adapter: hosting.name,
  ...plan.place,
  image: formatReference(plan.image),
  platform: plan.platform,
  ...found,
  revision: (await headRevision(root)).revision,
});

/** Stores the values of a developer's own secrets, as far as they are set, for a rehearsal on this machine. */
const storeOwnSecrets = async (target: DeployTarget, { env }: VerbContext): Promise<void> => {
  const { hosting, plan, io } = target;
  if (!isRehearsal(target) || plan.secret === null) return;
  const names = [...plan.settings.secrets.required, ...plan.settings.secrets.optional];
  const values = new Map(names.flatMap((name) => (env[name] ? [[name, env[name]] as const] : [])));
  const stored = await hosting.secrets.describe(plan.place.environment, plan.secret, io.signal);
  // What somebody stored stays where this command is run without it.
  if (stored.known && stored.value !== null && values.size === 0) return;
  const changed = await hosting.secrets.changed(plan.place.environment, plan.secret, values, io.signal);
  if (changed.known && changed.value.length === 0 && stored.known && stored.value !== null) return;
  await hosting.secrets.put(plan.place.environment, plan.secret, values, io);
};

/** Which digest serves, as the address of an app tells that was just observed. */
const servingAt = async ({ hosting, plan, io }: DeployTarget, app: ObservedApp, budgetMs: number): Promise<ServingFound> =>
  awaitServing({ request: requestsTo(hosting.addressOf(app)), digest: plan.image.digest, budgetMs, signal: io.signal });

/** What {@link needOf} saw where nothing is to be done. */
const servesAlready = ({ plan }: DeployTarget): ServingFound => ({ serving: { known: true, value: plan.image.digest }, why: null });

/** What is to be done so that an app is as its plan says. */
interface Need {
  readonly what: 'nothing' | 'rollover' | 'deploy';
  readonly reasons: readonly string[];
}

/** Whether a secret that need not be there has been stored since the app was deployed without it. */
const isStoredSince = async ({ hosting, plan, io }: DeployTarget, { secrets }: ObservedApp): Promise<boolean> => {
  const { secret, settings, place } = plan;
  if (secret === null || settings.secrets.required.length > 0 || !secrets.known || secrets.value.some(({ name }) => name === secret)) return false;
  const stored = await hosting.secrets.describe(place.environment, secret, io.signal);
  return stored.known && stored.value !== null;
};

/** Compares what there is with the plan; what is as it should be must also serve. */
const needOf = async (target: DeployTarget, before: ObservedApp): Promise<Need> => {
  const { differs, staleSecrets, unknown } = deploymentDiffers(target.plan, before, {
    lenient: isRehearsal(target),
    stored: await isStoredSince(target, before),
  });
  if (differs.length > 0) return { what: 'deploy', reasons: differs.map(differenceLine) };
  if (unknown.length > 0) return { what: 'deploy', reasons: unknown.map(({ what, reason }) => `not known is ${what}: ${reason}`) };
  if (staleSecrets) return { what: 'rollover', reasons: ['its secrets have other values than what runs was given'] };
  const { why } = await servingAt(target, before, LOOK_MS).catch((error: Error): ServingFound => ({ serving: UNASKED, why: error.message }));
  target.io.signal.throwIfAborted();
  return why === null ? { what: 'nothing', reasons: [] } : { what: 'deploy', reasons: [why] };
};

const planLines = ({ hosting, plan }: DeployTarget, { what, reasons }: Need): string[] => [
  `${plan.ref} as ${plan.place.app} in environment ${plan.place.environment} of ${hosting.name}: ${what === 'nothing' ? 'it runs already' : what}`,
  `  image: ${formatReference(plan.image)} for ${plan.platform}`,
  `  settings: ${Object.entries(plan.expected)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ')}`,
  `  secret: ${plan.secret ?? 'none'}`,
  ...reasons.map((reason) => `  because ${reason}`),
];

/** What is wrong with what is configured after a deployment; null if nothing is. */
const configuredProblem = (target: DeployTarget, { image, secrets }: ObservedApp): Problem | null => {
  const { plan } = target;
  const mismatch = (message: string): Problem => ({ code: 'ERR_DEPLOY_MISMATCH', message: `${plan.place.app}: ${message}` });
  if (!image.known) return mismatch(`the platform does not tell which image is configured: ${image.reason}`);
  if (image.value !== plan.image.digest) return mismatch(`configured is ${image.value ?? 'an image of no pin'}, and ${plan.image.digest} was deployed`);
  if (!secrets.known || isRehearsal(target)) return null;
  const keys = secrets.value.find(({ name }) => name === plan.secret)?.keys ?? [];
  const missing = plan.settings.secrets.required.filter((name) => !keys.includes(name));
  if (missing.length === 0) return null;
  return {
    code: 'ERR_SECRET_MISSING',
    message: `${plan.place.app} was deployed, and its secret ${plan.secret} has no ${missing.join(', ')} any more: it was changed meanwhile`,
    fix: `Store it, and deploy again: nx run ${plan.slug}:secrets-sync.`,
  };
};

/** Carries a deployment out. @returns that another image is configured than was deployed, if the platform told so at once; null if it did not */
const carryOut = async ({ hosting, plan, io }: DeployTarget, { what }: Need): Promise<Problem | null> => {
  try {
    if (what === 'deploy') await hosting.deploy(plan, io);
    if (what === 'rollover') await hosting.rollover(plan.place, io);
    return null;
  } catch (thrown) {
    if (isPinlaneError(thrown, 'ERR_DEPLOY_MISMATCH')) return thrown.problems[0]!;
    throw thrown;
  }
};

/** The command that goes back to what ran before; null if nothing did. */
const rollbackCommand = ({ plan, lane, hosting }: DeployTarget, before: ObservedApp): string | null =>
  before.image.known && before.image.value !== null && before.image.value !== plan.image.digest
    ? `nx run ${plan.slug}:rollback --lane=${lane} --adapter=${hosting.name}`
    : null;

/** Deploys the image that ran before. @returns a line that tells what came of it */
const rollBack = async (target: DeployTarget, digest: Digest): Promise<string> => {
  const { hosting, plan, io } = target;
  const back: DeploymentPlan = { ...plan, image: { ...plan.image, digest } };
  await hosting.deploy(back, io);
  const { why } = await servingAt({ ...target, plan: back }, await hosting.describe(plan.place, io.signal), SERVING_BACK_MS);
  return why === null ? `rolled back: ${shortDigest(digest)} serves again` : `rolled back to ${shortDigest(digest)}, and ${why}`;
};
const SERVING_BACK_MS = 120_000;

/** Tells a failed deployment: with the way back, or after it was gone. */
const failed = async (
  target: DeployTarget,
  found: Omit<Found, 'outcome'>,
  problem: Problem,
  before: ObservedApp,
  options: ProvingOptions,
  context: VerbContext,
): Promise<VerbOutcome<Deployment>> => {
  // What a secret lacks, it lacks for the version before, too.
  const command = problem.code === 'ERR_SECRET_MISSING' ? null : rollbackCommand(target, before);
  const previous = before.image.known ? before.image.value : null;
  const fix = command === null ? (problem.fix ?? 'There is no version before: mend it and deploy again.') : `Go back: ${command}`;
  const lines = [formatProblem({ ...problem, fix })];
  const exitCode = problem.code === 'ERR_DEPLOY_MISMATCH' ? EXIT.verdict : EXIT.error;
  const outcomeOf = async (outcome: Found['outcome']) => ({ document: await documentOf(target, { ...found, outcome }, context), lines, exitCode });
  if (options.autoRollback !== true || previous === null || command === null) return outcomeOf('failed');
  try {
    lines.push(await rollBack(target, previous));
    return await outcomeOf('rolled-back');
  } catch (thrown) {
    target.io.signal.throwIfAborted();
    lines.push(`the rollback failed, too: ${asPinlaneError(thrown).message}`);
    return outcomeOf('failed');
  }
};

/** Makes an app what its plan says, and proves it. */
const deployAndProve = async (
  target: DeployTarget,
  evidence: Digest | null,
  options: ProvingOptions,
  context: VerbContext,
): Promise<VerbOutcome<Deployment>> => {
  const { hosting, plan, io } = target;
  const before = await hosting.describe(plan.place, io.signal);
  const need = await needOf(target, before);
  const base = { reasons: [...need.reasons], evidence };
  if (options.dryRun === true) {
    const found: Found = { ...base, outcome: 'planned', url: before.url.known ? before.url.value : null, configured: before.image, serving: UNASKED };
    return { document: await documentOf(target, found, context), lines: planLines(target, need), exitCode: EXIT.good };
  }
  const told = await carryOut(target, need);
  // Where nothing was to be done, what was looked at is what there is, and it served just now.
  const after = need.what === 'nothing' ? before : await hosting.describe(plan.place, io.signal);
  const url = after.url.known ? after.url.value : null;
  const wrong = told ?? configuredProblem(target, after);
  if (wrong !== null) return failed(target, { ...base, url, configured: after.image, serving: UNASKED }, wrong, before, options, context);
  io.progress('waiting until it serves');
  const { serving, why } = need.what === 'nothing' ? servesAlready(target) : await servingAt(target, after, options.servingTimeout * 1000);
  const found = { ...base, url, configured: after.image, serving };
  if (why !== null) {
    const code = serving.known ? 'ERR_DEPLOY_MISMATCH' : 'ERR_DEPLOY_UNREACHABLE';
    return failed(target, found, { code, message: `${plan.place.app}: ${why}` }, before, options, context);
  }
  const outcome = need.what === 'nothing' ? 'unchanged' : need.what === 'rollover' ? 'rolled-over' : 'deployed';
  const said = { unchanged: 'runs already; nothing was done', 'rolled-over': 'runs with its new secrets', deployed: 'was deployed' }[outcome];
  const lines = [
    `${plan.ref} ${said}: ${shortDigest(plan.image.digest)} is configured and serves at ${url}`,
    ...need.reasons.map((reason) => `  because ${reason}`),
  ];
  return { document: await documentOf(target, { ...found, outcome }, context), lines, exitCode: EXIT.good };
};

/** Whether a report is asked for, and that it may not be left out where there must be one. */
const asksEvidence = ({ evidence }: ProvingOptions, lane: TargetParts['lane']): { readonly asks: boolean; readonly problems: readonly Problem[] } => {
  const must = lane !== 'local' && laneRules(lane).deploysTo !== null;
  if (!must || evidence !== false) return { asks: must || evidence === true, problems: [] };
  const message = `lane ${lane} deploys nothing without evidence`;
  return { asks: true, problems: [{ code: 'ERR_LANE_FORBIDS', message, fix: 'Leave --no-evidence out.' }] };
};

/**
 * Deploys a target's image, after every check, and proves which digest is configured and which serves. An app that is as it should be is left alone.
 * The record of the deployment is kept, of one that failed too; a plan is not.
 * @throws all problems of the parts and of the checks before, ERR_LOCKED, ERR_DEPLOY_FAILED, ERR_CANCELLED and what keeps the platform from answering
 */
export const deployTarget = async (found: TargetParts, options: ProvingOptions, context: VerbContext): Promise<VerbOutcome<Deployment>> => {
  const { asks, problems } = asksEvidence(options, found.lane);
  const parts: TargetParts = { ...found, problems: [...found.problems, ...problems] };
  // Where something is in the way already, no app is held: this tells what else is, and throws.
  if (parts.problems.length > 0) await preflight(parts, asks, context);
  const target = targetOf(parts);
  const { hosting, plan, locations, io } = target;
  return withAppLock(hosting.name, plan.place, locations.paths, io.signal, async () => {
    if (options.dryRun !== true) await storeOwnSecrets(target, context);
    const { evidence } = await preflight(parts, asks, context);
    const outcome = await deployAndProve(target, evidence, options, context);
    return options.dryRun === true ? outcome : keepReport('deployment', outcome, context);
  });
};
