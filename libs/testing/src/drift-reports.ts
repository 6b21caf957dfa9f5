import { createHash } from 'node:crypto';
import type { DeployEnvironment, Digest, DriftEntry, DriftReport, Lane, Ref } from '@pinlane/contracts';

const known = <T>(value: T) => ({ known: true as const, value });
const unknown = (reason: string) => ({ known: false as const, reason });

/** A digest that follows from a name. */
export const digestFor = (name: string): Digest => `sha256:${createHash('sha256').update(name).digest('hex')}` as Digest;

/** The moment that example reports are seen at. */
export const EXAMPLE_NOW = '2026-11-28T06:20:00.000Z';
/** So many hours before it. */
export const hoursBefore = (hours: number): string => new Date(Date.parse(EXAMPLE_NOW) - hours * 3_600_000).toISOString();

interface App {
  readonly environment: DeployEnvironment;
  readonly version?: number;
  /** Since when it runs, in hours before {@link EXAMPLE_NOW}. */
  readonly hours?: number;
  readonly by?: string;
  /** What its image is called, of which its digest follows. */
  readonly image?: string;
  readonly live?: boolean;
}

const slug = (ref: string): string => ref.replace('/', '-').replace('@', '-v');
const appOf = (ref: string, environment: DeployEnvironment): string => (environment === 'dev' ? `topic-ann-${slug(ref)}` : slug(ref));

/** An app that is in sync. */
export const inSyncEntry = (ref: string, { environment, version = 12, hours = 50, by = 'ci-deploy', image = `${ref} now`, live = false }: App): DriftEntry => {
  const digest = digestFor(image);
  const app = appOf(ref, environment);
  return {
    ...{ ref: ref as Ref, app, verdict: 'in-sync', message: `${digest.slice(7, 19)} is configured, as it is pinned` },
    pinned: `ghcr.io/acme/${ref.split('@')[0]!.replace('/', '-')}@${digest}`,
    observed: {
      ...{ adapter: 'modal', environment, app, state: known('running'), version: known(version) },
      ...{ deployedAt: known(hoursBefore(hours)), deployedBy: known(by), image: known(digest) },
      settings: known({
        port: 8080,
        minContainers: 0,
        maxContainers: 8,
        idleSeconds: 300,
        region: null,
        proxyAuth: true,
        cpu: 2,
        memoryGb: 4,
        timeoutSeconds: 900,
      }),
      secrets: known([{ name: `${slug(ref)}-secrets`, keys: ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY'] }]),
      ...{ secretsCurrent: known(true), url: known(`https://acme-${environment}--${app}.modal.run`) },
    },
    ...{ differences: [], unknown: [], serving: live ? known(digest) : null, nameLeadsToPin: null, since: null, by: null },
  };
};

/** Something else was deployed by hand. */
export const driftedEntry = (ref: string, app: App): DriftEntry => {
  const entry = inSyncEntry(ref, app);
  const found = digestFor(`${ref} by hand`);
  const [at, by] = [hoursBefore(app.hours ?? 3), app.by ?? 'mallory'];
  const expected = entry.pinned!.split('@')[1] as Digest;
  return {
    ...entry,
    ...{ verdict: 'drifted', since: at, by },
    message: `the image is ${found.slice(7, 19)}, and ${expected.slice(7, 19)} is to run; maxContainers is 20, and registry.yaml says 8 since ${at} by ${by}`,
    observed: { ...entry.observed!, image: known(found), deployedAt: known(at), deployedBy: known(by) },
    serving: app.live ? known(found) : null,
    differences: [
      { what: 'image', name: null, expected, found },
      { what: 'setting', name: 'maxContainers', expected: '8', found: '20' },
    ],
  };
};

/** A pin says that it should run, and nothing does. */
export const missingEntry = (ref: string, app: App): DriftEntry => {
  const entry = inSyncEntry(ref, app);
  const none = known(null);
  return {
    ...entry,
    ...{ verdict: 'missing', message: `nothing runs in ${app.environment} under that name`, serving: null },
    observed: {
      ...{ ...entry.observed!, state: known('absent'), version: none, deployedAt: none, deployedBy: none, image: none },
      ...{ settings: none, secrets: known([]), url: none },
    },
    differences: [{ what: 'state', name: null, expected: 'running', found: 'absent' }],
  };
};

/** Somebody stopped it. */
export const stoppedEntry = (ref: string, app: App): DriftEntry => {
  const entry = inSyncEntry(ref, app);
  const [at, by] = [hoursBefore(app.hours ?? 20), app.by ?? 'ann'];
  return {
    ...{ ...entry, verdict: 'stopped', message: `it was stopped since ${at} by ${by}`, since: at, by, serving: null },
    observed: { ...entry.observed!, state: known('stopped') },
    differences: [{ what: 'state', name: null, expected: 'running', found: 'stopped' }],
  };
};

/** The platform did not tell enough. */
export const unverifiableEntry = (ref: string, app: App): DriftEntry => {
  const entry = inSyncEntry(ref, app);
  const reason = 'the version that is deployed was made by a client that records no image';
  return {
    ...{ ...entry, verdict: 'unverifiable', message: `image: ${reason}`, unknown: [{ what: 'image', reason }] },
    observed: { ...entry.observed!, image: unknown(reason), deployedBy: unknown('the platform names nobody for this version') },
  };
};

/** It runs, and no registry.yaml claims it. */
export const orphanEntry = (app: string, { environment, hours = 900, by = 'ann', version = 3 }: App): DriftEntry => {
  const entry = inSyncEntry('some/orphan@1', { environment, hours, by, version, image: app });
  return {
    ...{ ...entry, ref: null, app, verdict: 'orphan', pinned: null, since: hoursBefore(hours), by },
    message: `no registry.yaml claims it; it runs for ${Math.floor(hours / 24)} days`,
    observed: { ...entry.observed!, app, url: known(null), secrets: known([]) },
  };
};

/** A report of an environment. @param hours how long before {@link EXAMPLE_NOW} it was made */
export const driftReportOf = (
  environment: DeployEnvironment,
  entries: readonly DriftEntry[],
  { hours = 0.15, live = false, lane = environment as Lane }: { readonly hours?: number; readonly live?: boolean; readonly lane?: Lane } = {},
): DriftReport => {
  const drift = entries.some(({ verdict }) => verdict !== 'in-sync' && verdict !== 'unverifiable');
  const verdict = drift ? 'drift' : entries.some(({ verdict: each }) => each === 'unverifiable') ? 'unknown' : 'in-sync';
  return {
    ...{ kind: 'DriftReport', schemaVersion: 1, at: hoursBefore(hours), lane, adapter: 'modal', environment, verdict, live, deep: false },
    revision: createHash('sha1')
      .update(`${environment} ${Math.ceil(hours / 100)}`)
      .digest('hex'),
    entries: [...entries],
  };
};

const REFS =
  'audio/transcribe@1 docs/ocr@1 image/segment@1 image/upscale@2 llm/litellm@1 llm/router@2 media/thumbnail@1 replicate/generic@1 search/embed@3 search/rerank@1 text/moderate@1 video/transcode@1'.split(
    ' ',
  );

type Trouble = Readonly<Record<string, (ref: string, app: App) => DriftEntry>>;

const ageOfApp = (ref: string): number => 30 + (parseInt(digestFor(ref).slice(7, 10), 16) % 500);

const stateOf = (
  environment: DeployEnvironment,
  hours: number,
  { trouble, live = false, orphans = [] }: { trouble: Trouble; live?: boolean; orphans?: readonly string[] },
): DriftReport => {
  const entries = REFS.map((ref, at) =>
    (trouble[ref] ?? inSyncEntry)(ref, {
      environment,
      live,
      version: 9 + at,
      hours: trouble[ref] ? 5 + at * 3 : ageOfApp(ref),
      ...(trouble[ref] ? {} : { by: 'ci-deploy' }),
    }),
  );
  return driftReportOf(environment, [...entries, ...orphans.map((app, at) => orphanEntry(app, { environment, hours: 700 + at * 340 }))], { hours, live });
};

/** Reports of a small workspace in three environments, with a week of history and one app for each verdict. */
export const exampleDriftReports = (): DriftReport[] => {
  const days = [168, 144, 120, 96, 72, 48, 24].map((hours) => hours + 0.15);
  const hand = { 'llm/router@2': driftedEntry };
  const staging = { ...hand, 'image/upscale@2': stoppedEntry };
  return [
    ...days.map((hours, at) => stateOf('main', hours, { live: true, trouble: at === 2 || at === 3 ? { 'media/thumbnail@1': driftedEntry } : {} })),
    ...days.map((hours, at) => stateOf('staging', hours, { live: true, trouble: at < 3 ? {} : at < 5 ? hand : staging })),
    ...days.map((hours) => stateOf('dev', hours + 30, { trouble: {}, orphans: ['old-topic-bob-llm-litellm-v1'] })),
    stateOf('main', 0.15, { live: true, trouble: { 'llm/litellm@1': driftedEntry, 'docs/ocr@1': unverifiableEntry } }),
    stateOf('staging', 0.2, { live: true, trouble: staging }),
    stateOf('dev', 30, { trouble: { 'search/rerank@1': missingEntry }, orphans: ['old-topic-bob-llm-litellm-v1'] }),
  ];
};

/** The newest reports of so many processors in three environments, one in fifty of which is not in sync. */
export const largeDriftReports = (processors: number): DriftReport[] =>
  (['dev', 'staging', 'main'] as const).map((environment) =>
    driftReportOf(
      environment,
      Array.from({ length: processors }, (_, at) => {
        const trouble = [driftedEntry, missingEntry, stoppedEntry, unverifiableEntry][Math.floor(at / 50) % 4]!;
        return (at % 50 === 7 ? trouble : inSyncEntry)(`team-${at % 12}/processor-${String(at).padStart(4, '0')}@1`, { environment, hours: 1 + (at % 700) });
      }),
    ),
  );
