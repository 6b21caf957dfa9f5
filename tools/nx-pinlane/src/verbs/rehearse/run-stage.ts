import { randomBytes, randomInt } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '@pinlane/oci';
import type { HostingName, RehearsalJob } from '@pinlane/contracts';
import type { VerbContext } from '../../command/context.ts';
import { runAct, type Act, type ActRun } from './act.ts';
import { eventNameOf, gitIn, type Event } from './remote.ts';
import { writeStandIns, type StandInFacts } from './stand-ins.ts';
import type { LaneWorkflow } from './workflows.ts';

/** What all runs of a rehearsal have in common. */
export interface Setting extends Omit<StandInFacts, 'folder' | 'artifacts' | 'withoutModal'> {
  readonly act: Act;
  /** The folder of the rehearsal. */
  readonly folder: string;
  readonly registry: string;
  readonly adapter: HostingName;
  readonly deployments: string;
  /** The folder that keeps artifacts and logs. */
  readonly reports: string;
  readonly context: VerbContext;
}

/** What a job may not take from the environment of this command. */
const INNER = /^(PINLANE_|NX_|GITHUB_|RUNNER_|ACTIONS_|GIT_|JEST_|MODAL_|npm_(?!config_)|CI$|INIT_CWD$|NODE_OPTIONS$|NODE_PATH$|FORCE_COLOR$)/;

/** The environment that act and its jobs begin with: without what this command was told, without secrets, without programs of this workspace. */
const environmentOf = (env: VerbContext['env'], secrets: readonly string[]): Record<string, string | undefined> => ({
  ...Object.fromEntries(Object.entries(env).filter(([name]) => !INNER.test(name) && !secrets.includes(name))),
  PATH: (env['PATH'] ?? '')
    .split(':')
    .filter((folder) => !/\/node_modules\/\.bin\/?$/.test(folder))
    .join(':'),
});

/** The variables of the repository: where images go, and what this command was told of building and running them. */
const variablesOf = ({ registry, adapter, context: { env } }: Setting): string[] => {
  const told = ['PINLANE_ENGINE', 'PINLANE_RUNTIME', 'PINLANE_INSECURE_REGISTRY', 'PINLANE_MODAL_REGISTRY_SECRET', 'STAGING_PARTS'].flatMap((name) =>
    env[name] ? [`${name}=${env[name]}`] : [],
  );
  return [`PINLANE_REGISTRY=${registry}`, `PINLANE_ADAPTER=${adapter}`, ...told].flatMap((each) => ['--var', each]);
};

const argumentsOf = (setting: Setting, event: Event, workflow: LaneWorkflow, folder: string, actions: ReadonlyMap<string, string>): string[] => [
  eventNameOf(event),
  ...['--json', '--rm', '--no-skip-checkout', '--no-cache-server', '--use-new-action-cache', '--github-instance', 'rehearsal.invalid', '--actor', 'rehearsal'],
  ...['--workflows', join(folder, 'workflow.yml'), '--eventpath', join(folder, 'event.json'), '--action-cache-path', join(folder, 'jobs')],
  ...['--secret-file', join(folder, 'secrets'), '--var-file', '/dev/null', '--env-file', '/dev/null', '--input-file', '/dev/null'],
  ...workflow.runners.flatMap((runner) => ['--platform', `${runner}=-self-hosted`]),
  ...[...actions].flatMap(([uses, at]) => ['--local-repository', `${uses}=${at}`]),
  ...variablesOf(setting),
  ...[
    '--env',
    'GITHUB_REPOSITORY=rehearsal/workspace',
    '--env',
    `GITHUB_RUN_ID=${randomInt(1, 2 ** 47)}`,
    '--env',
    `PINLANE_DEPLOYMENTS=${setting.deployments}`,
  ],
];

/** The secrets of the lane as this environment has them, and made up where it has none; act keeps their values out of what it writes. */
const secretsText = ({ secrets }: LaneWorkflow, env: VerbContext['env']): string =>
  secrets.map((name) => `${name}=${JSON.stringify(env[name] || `https://rehearsal.invalid/${name.toLowerCase()}`)}\n`).join('');

/** Runs the workflow that an event sets off, once. */
export const runStage = async (setting: Setting, event: Event, workflow: LaneWorkflow, name: string): Promise<RehearsalJob[]> => {
  const { context, act, remote } = setting;
  const folder = join(setting.folder, 'runs', `${name}-${randomBytes(3).toString('hex')}`);
  const [work, reports] = [join(folder, 'work'), join(setting.reports, name)];
  for (const each of [work, reports]) await makeFolder(each);
  await writeFile(join(folder, 'workflow.yml'), workflow.text);
  await writeFile(join(folder, 'event.json'), JSON.stringify(event.payload));
  await writeFile(join(folder, 'secrets'), secretsText(workflow, context.env), { mode: 0o600 });
  // What act looks at for the commit; jobs make clones of their own.
  const { must } = gitIn(work, context);
  await must(['init', '--quiet']);
  await must(['fetch', '--quiet', '--depth=1', remote, event.after]);
  await must(['update-ref', '--no-deref', 'HEAD', event.after]);
  const actions = await writeStandIns(workflow.actions, { ...setting, folder, artifacts: reports, withoutModal: setting.adapter === 'local' });
  const run: ActRun = {
    args: argumentsOf(setting, event, workflow, folder, actions),
    cwd: work,
    env: environmentOf(context.env, workflow.secrets),
    signal: context.signal,
    log: join(reports, 'log.txt'),
    summary: join(reports, 'summary.md'),
    workflow,
    tell: (line) => context.note(`${name}: ${line}`),
  };
  // Secrets and clones stay no longer than they are used, also in a folder that is kept.
  return runAct(act, run).finally(() => rm(folder, { recursive: true, force: true }));
};
