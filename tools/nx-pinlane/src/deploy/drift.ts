import { headNames, headRevision, requestsTo, seenServing } from '@pinlane/adapters';
import {
  architectureOf,
  asPinlaneError,
  isPinlaneError,
  PinlaneError,
  slugOf,
  type DeployEnvironment,
  type Digest,
  type DriftEntry,
  type DriftReport,
  type Known,
  type Platform,
  type Problem,
} from '@pinlane/contracts';
import { inParallel } from '@pinlane/oci';
import {
  appNameOf,
  driftOf,
  driftOfUnpinned,
  driftReport,
  driftUnknown,
  environmentOf,
  orphansOf,
  pinsOf,
  planDeployment,
  requirePinned,
  type AskedFacts,
  type Deployer,
  type DeploymentPlan,
  type EnvironmentSurvey,
  type ObservedApp,
} from '@pinlane/pipeline';
import type { VerbContext } from '../command/context.ts';
import type { SpecFile } from '../workspace/spec-file.ts';
import { loginOf } from './hosting.ts';
import { isRehearsal } from './preflight.ts';
import { attempt, onePlatform, reachHosting, type DeployTarget, type TargetOptions } from './target.ts';

/** The options of a look at what runs. */
export interface DriftOptions extends TargetOptions {
  readonly live?: boolean | undefined;
  readonly deep?: boolean | undefined;
  readonly liveTimeout: number;
}

/** What is looked at. */
export interface DriftScope {
  /** They may be read while the first of them are asked about. */
  readonly specs: Iterable<SpecFile> | AsyncIterable<SpecFile>;
  /** Where the specs say nothing of it, or are many: see `hostingOf`. */
  readonly deploy: Pick<SpecFile['spec']['deploy'], 'adapter'>;
  /** All of the workspace, with what else runs there; null for one processor. */
  readonly workspace: { readonly unread: readonly { readonly file: string; readonly reason: string }[] } | null;
}

/** How many apps are asked at once for what they serve: each may have to start. */
const LIVE_AT_ONCE = 16;
/** How many names are made anew at once: the platform may have to build. */
const DEEP_AT_ONCE = 4;

/** The platform that is looked at, for whom, and with what. */
interface Look extends Pick<DeployTarget, 'lane' | 'hosting' | 'io'> {
  readonly environment: DeployEnvironment;
  readonly platform: Platform;
  readonly deployer: Deployer;
  readonly options: DriftOptions;
}

/** A processor of which it is decided what should run. */
interface Subject {
  readonly spec: SpecFile['spec'];
  readonly app: string;
  /** Null if nothing is pinned for the platform. */
  readonly plan: DeploymentPlan | null;
}

/** @throws with all problems at once: ERR_LANE_FORBIDS, ERR_OPTION_INVALID, ERR_LANE_UNKNOWN */
const openLook = async (options: DriftOptions, { deploy }: DriftScope, context: VerbContext): Promise<Look> => {
  const { root, env, signal, progress } = context;
  const problems: Problem[] = [];
  const { lane, hosting } = await reachHosting(options, { deploy: deploy as SpecFile['spec']['deploy'] }, context, problems);
  const platform = hosting && (await attempt(problems, () => onePlatform(options.platform, hosting.takes)));
  const environment = environmentOf(lane);
  if (problems.length > 0 || !hosting || !platform || environment === null) throw new PinlaneError(problems as [Problem, ...Problem[]]);
  const { branch, sha } = environment === 'dev' ? await headNames(root, env) : { branch: undefined, sha: undefined };
  return { lane, hosting, environment, platform, options, deployer: { branch: branch ?? sha, user: loginOf(env) }, io: { progress, signal } };
};

/** What should run of a processor. Where its image is has no say: it is known by its digest. */
const subjectOf = ({ lane, environment, platform, deployer }: Look, { spec, file }: SpecFile): Subject => {
  const app = appNameOf(spec.ref, environment, deployer);
  if (pinsOf(spec)[architectureOf(platform)] === undefined) return { spec, app, plan: null };
  const pinned = requirePinned(spec, { file, platforms: [platform] });
  return { spec, app, plan: planDeployment(pinned, { lane, environment, platform, ...deployer }) };
};

/** A fact, or why it could not be had; an interruption is none. */
const asFact = async <T>(work: () => Promise<Known<T>>): Promise<Known<T>> => {
  try {
    return await work();
  } catch (thrown) {
    if (isPinlaneError(thrown, 'ERR_CANCELLED')) throw thrown;
    return {
      known: false,
      reason: asPinlaneError(thrown)
        .problems.map(({ message }) => message)
        .join('; '),
    };
  }
};

const runs = ({ state }: ObservedApp): boolean => state.known && state.value === 'running';

/** The digests that apps themselves answer with, by name. */
const askLive = async ({ hosting, io, options }: Look, apps: readonly ObservedApp[]): Promise<Map<string, Known<Digest | null>>> => {
  const served = await inParallel(apps, LIVE_AT_ONCE, async (app) => {
    const ask = () => seenServing({ request: requestsTo(hosting.addressOf(app)), budgetMs: options.liveTimeout * 1000, signal: io.signal });
    return [app.app, await asFact<Digest | null>(async () => ask())] as const;
  });
  return new Map(served);
};

/** Whether the published names still lead to what is pinned, by the names of the apps. */
const askDeep = async ({ hosting, io }: Look, plans: readonly DeploymentPlan[]): Promise<Map<string, Known<boolean>>> => {
  const proven = await inParallel(plans, DEEP_AT_ONCE, async (plan) => {
    io.progress(`making the image of ${plan.place.app} anew`);
    return [plan.place.app, await asFact(() => hosting.nameLeadsToPin!(plan, io))] as const;
  });
  return new Map(proven);
};

/** All that is asked besides the control plane's word on an environment, by the names of the apps. */
const askAll = async (look: Look, subjects: readonly Subject[], { asked }: EnvironmentSurvey): Promise<(app: string) => AskedFacts> => {
  const { hosting, environment, io, options } = look;
  const planned = subjects.flatMap(({ plan }) => (plan === null ? [] : [plan]));
  const running = planned.filter(({ place }) => runs(asked.get(place.app)!));
  const absent = planned.map(({ place }) => asked.get(place.app)!).filter(({ state }) => state.known && state.value === 'absent');
  const [live, deep, elsewhere] = await Promise.all([
    options.live === true
      ? askLive(
          look,
          running.map(({ place }) => asked.get(place.app)!),
        )
      : null,
    options.deep === true && hosting.nameLeadsToPin ? askDeep(look, running) : null,
    absent.length === 0
      ? null
      : hosting.elsewhere(
          environment,
          absent.map(({ app }) => app),
          io.signal,
        ),
  ]);
  const missing = new Set(absent.map(({ app }) => app));
  return (app) => ({
    serving: live?.get(app) ?? null,
    nameLeadsToPin: deep?.get(app) ?? null,
    elsewhere: elsewhere === null || !missing.has(app) ? null : elsewhere.known ? { known: true, value: elsewhere.value.get(app) ?? [] } : elsewhere,
  });
};

/** What runs besides what should: orphans, or that nobody could tell of any. */
const othersOf = ({ environment }: Look, subjects: readonly Subject[], { workspace }: DriftScope, survey: EnvironmentSurvey, now: Date): DriftEntry[] => {
  if (workspace === null) return [];
  const { unread } = workspace;
  const files = unread.map(({ file, reason }) => driftUnknown(null, file, reason));
  const { others, published } = survey;
  if (others.known) {
    const slugs = subjects.map(({ spec }) => slugOf(spec.ref));
    files.push(...orphansOf(others.value, { environment, slugs, published, unread: unread.map(({ file }) => file), now }));
  }
  const open = [others, published].find(({ known }) => !known);
  return open && !open.known ? [...files, driftUnknown(null, 'what no registry.yaml claims', open.reason)] : files;
};

/**
 * Compares what runs with what is pinned. The control plane is asked once for all, at most 32 apps at a time, and no container is woken unless `live` asks them.
 * What can't be told is a verdict of its own.
 * @throws with all problems at once what keeps it from asking at all: ERR_LANE_FORBIDS, ERR_OPTION_INVALID, ERR_LANE_UNKNOWN; ERR_CANCELLED
 */
export const lookForDrift = async (options: DriftOptions, scope: DriftScope, context: VerbContext): Promise<DriftReport> => {
  const look = await openLook(options, scope, context);
  const { lane, hosting, environment, io } = look;
  const subjects: Subject[] = [];
  const names = async function* (): AsyncGenerator<string> {
    for await (const spec of scope.specs) {
      const subject = subjectOf(look, spec);
      subjects.push(subject);
      yield subject.app;
    }
  };
  const now = new Date();
  io.progress(`asking ${hosting.name} for ${environment}`);
  const [survey, { revision }] = await Promise.all([hosting.survey(environment, names(), io.signal), headRevision(context.root)]);
  const askedOf = await askAll(look, subjects, survey);
  const lenient = isRehearsal(look);
  const entries = subjects.map(({ spec, app: name, plan }) => {
    const app = survey.asked.get(name)!;
    return plan === null ? driftOfUnpinned(spec.ref, app) : driftOf(plan, { app, asked: askedOf(name), pins: pinsOf(spec), lenient });
  });
  const facts = { at: now.toISOString(), lane, adapter: hosting.name, environment, revision };
  const asked = { live: options.live === true, deep: options.deep === true };
  return driftReport({ ...facts, ...asked }, [...entries, ...othersOf(look, subjects, scope, survey, now)]);
};
