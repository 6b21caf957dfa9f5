import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { findProgram, withRunFolder } from '@pinlane/adapters';
import { EXIT, fail, type Rehearsal } from '@pinlane/contracts';
import { makeFolder, serveStore } from '@pinlane/oci';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { valueOf } from '../../command/environment.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { ACT_VERSION, findAct } from './act.ts';
import { differencesOf, NOT_REHEARSED } from './limits.ts';
import type { RehearseOptions } from './options.ts';
import { stopApps } from './platform.ts';
import { gitIn, openRemote, uncommitted, type Remote } from './remote.ts';
import { runStage, type Setting } from './run-stage.ts';
import { STAGES, type Stage } from './stages.ts';
import { standsInFor } from './stand-ins.ts';
import { eventOf, workflowOf } from './workflows.ts';

type StageReport = Rehearsal['stages'][number];

/** Where a lane gets its change from: on the whole way from the lane before it, alone from the commit that is checked out. */
const sourceOf = (stage: Stage, alone: boolean, head: string): string => {
  if (stage === 'main') return 'refs/heads/staging';
  return stage === 'staging' && !alone ? 'refs/heads/dev' : head;
};

const isGreen = ({ runs }: StageReport): boolean => runs.every(({ jobs }) => jobs.every(({ outcome }) => outcome !== 'failure'));

/** What an install of the workspace brings, so that jobs can link it. */
const installed = async (root: string, context: VerbContext): Promise<Pick<Setting, 'packages' | 'scripts' | 'programs'>> => {
  const files = (await gitIn(root, context).must(['ls-files', '--', 'package.json', '*/package.json'])).split('\n');
  const folders = files.map((file) => file.replace(/\/?package\.json$/, '') || '.');
  const { scripts = {} } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8').catch(() => '{}')) as { scripts?: object };
  const found = (name: string): string => findProgram(name) ?? fail('ERR_TOOL_MISSING', `${name} is not installed, or not on PATH`);
  return {
    packages: folders.filter((folder) => existsSync(join(root, folder, 'node_modules'))),
    scripts: ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'].filter((name) => name in scripts),
    programs: { node: process.execPath, npm: found('npm'), npx: found('npx'), python: findProgram('python3') ?? 'python3' },
  };
};

/** A registry for as long as `use` takes: the one that is named, else the store's own server, on the same port as the last time. */
const withRegistry = async <T>(named: string | undefined, folder: string, use: (registry: string) => Promise<T>): Promise<T> => {
  if (named !== undefined) return use(named);
  const note = join(folder, 'registry-port');
  const server = await serveStore({ root: join(folder, 'registry'), port: Number(await readFile(note, 'utf8').catch(() => '0')), logRequests: false });
  try {
    await writeFile(note, String(server.port));
    return await use(`127.0.0.1:${server.port}/rehearsal`);
  } finally {
    await server.close();
  }
};

/** Sets one workflow off and waits for its end. */
const rehearseStage = async (stage: Stage, from: string, setting: Setting, remote: Remote, twice: boolean): Promise<StageReport> => {
  const event = await remote.bring(stage, from);
  const workflow = workflowOf(stage, await remote.workflows(event.after));
  const names = twice ? [`${stage}-1`, `${stage}-2`] : [stage];
  for (const name of names) await rm(join(setting.reports, name), { recursive: true, force: true });
  setting.context.note(`${stage}: ${eventOf(stage)} ${event.ref} at ${event.after.slice(0, 12)} sets off ${workflow.file}${twice ? ', twice' : ''}`);
  const runs = await Promise.all(names.map(async (name) => ({ jobs: await runStage(setting, event, workflow, name) })));
  const { before, after } = event;
  return { lane: stage, workflow: workflow.file, event: eventOf(stage), before, after, runs, branches: await remote.branches() };
};

const linesOf = ({ verdict, stages, differences, notRehearsed, act }: Rehearsal, reports: string): string[] => [
  `${verdict}: ${stages.map(({ lane }) => lane).join(' → ')}, in act ${act}`,
  ...stages.flatMap(({ lane, workflow, runs, branches, after }) => [
    `  ${lane}: ${workflow}`,
    ...runs.flatMap(({ jobs }, at) =>
      jobs.map(
        ({ name, outcome, failedStep }) => `    ${runs.length > 1 ? `${at + 1}. ` : ''}${outcome}  ${name}${failedStep === null ? '' : `: ${failedStep}`}`,
      ),
    ),
    ...(lane !== 'pr' && branches[lane] !== after ? [`    the branch has a commit more: ${branches[lane]?.slice(0, 12)}`] : []),
  ]),
  ...['otherwise than on GitHub:', ...differences.map((line) => `  ${line}`)],
  ...['not rehearsed, because act does not do it:', ...notRehearsed.map((line) => `  ${line}`)],
  `logs and artifacts: ${reports}`,
];

/** Goes the way, as long as it is green. */
const go = async (stages: readonly Stage[], head: string, setting: Setting, remote: Remote, twice: boolean): Promise<StageReport[]> => {
  const reports: StageReport[] = [];
  for (const stage of stages) {
    const report = await rehearseStage(stage, sourceOf(stage, stages.length === 1, head), setting, remote, twice);
    reports.push(report);
    if (!isGreen(report)) break;
  }
  return reports;
};

/** @throws see {@link rehearse} */
const rehearseIn = async (folder: string, options: RehearseOptions, context: VerbContext): Promise<VerbOutcome<Rehearsal>> => {
  const { root, env, note } = context;
  const { lane, adapter, twice = false } = options;
  const act = await findAct(context);
  if (act.version !== ACT_VERSION) note(`act is ${act.version}, and rehearsals are tested with ${ACT_VERSION}`);
  const left = await uncommitted(root, context);
  if (left > 0) note(`rehearsed is what is committed: ${left} files that are not are left out`);
  const { remote, head } = await openRemote(join(folder, 'remote'), root, context);
  const [deployments, reports] = [join(folder, 'deployments'), join(workspacePaths(root, 'local').reports, 'rehearsal')];
  await makeFolder(deployments);
  return withRegistry(options.registry ?? valueOf(env, 'PINLANE_REGISTRY'), folder, async (registry) => {
    const setting: Setting = {
      ...{ act, folder, root, registry, adapter, deployments, reports, context, remote: remote.url, fail: options.fail },
      ...(await installed(root, context)),
    };
    try {
      const stages = await go(lane === undefined ? STAGES : [lane], head, setting, remote, twice);
      const workflows = await Promise.all(stages.map(async ({ lane: each, after }) => workflowOf(each, await remote.workflows(after))));
      const actions = [...new Set(workflows.flatMap((each) => each.actions.flatMap((uses) => standsInFor(uses) ?? [])))];
      const verdict = stages.every(isGreen) ? 'green' : 'red';
      if (verdict === 'green' && options.fail !== undefined) fail('ERR_OPTION_INVALID', `--fail: no job ran such a command of Nx as ${options.fail}`);
      const document: Rehearsal = {
        ...{ kind: 'Rehearsal', schemaVersion: 1, verdict, act: act.version, revision: head, registry, adapter, stages },
        differences: differencesOf({ adapter, node: process.version, actions }),
        notRehearsed: [...NOT_REHEARSED],
      };
      return { document, lines: linesOf(document, relative(root, reports)), exitCode: verdict === 'green' ? EXIT.good : EXIT.verdict };
    } finally {
      await stopApps(adapter, deployments, context);
    }
  });
};

/**
 * Runs the workflows of the lanes in act, against a bare remote, a registry and a platform of their own. A job that fails is a verdict: exit code 2.
 * @throws ERR_TOOL_MISSING, ERR_REHEARSAL_UNFIT, ERR_GIT_UNUSABLE, ERR_CANCELLED
 */
export const rehearse = async (options: RehearseOptions, context: VerbContext): Promise<VerbOutcome<Rehearsal>> => {
  const { state } = options;
  if (state === undefined) return withRunFolder(tmpdir(), 'pinlane-rehearsal-', (folder) => rehearseIn(folder, options, context), context.signal);
  const folder = resolve(context.root, state);
  await makeFolder(folder);
  return rehearseIn(folder, options, context);
};
