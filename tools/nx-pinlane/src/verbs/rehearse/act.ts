import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ask, findProgram, startProgram } from '@pinlane/adapters';
import { fail, type RehearsalJob } from '@pinlane/contracts';
import type { VerbContext } from '../../command/context.ts';
import type { LaneWorkflow } from './workflows.ts';

/** The version that rehearsals are tested with. */
export const ACT_VERSION = '0.2.89';
const INSTALL = `Install it with Go: go install github.com/nektos/act@v${ACT_VERSION}; it is looked for on PATH and where go install puts it.`;
/** How long act may take to end its jobs when it is told to, in ms. */
const GRACE_MS = 2_000;
const TAIL_LINES = 25;

/** The engine that runs workflows. */
export interface Act {
  readonly program: string;
  readonly version: string;
}

/** Finds act on PATH, else where `go install` puts it. @throws ERR_TOOL_MISSING */
export const findAct = async ({ env }: Pick<VerbContext, 'env'>): Promise<Act> => {
  const folders = [env['GOBIN'], env['GOPATH'] && join(env['GOPATH'], 'bin'), join(env['HOME'] || homedir(), 'go/bin')];
  const program = findProgram('act') ?? folders.flatMap((folder) => (folder ? [join(folder, 'act')] : [])).find((file) => existsSync(file));
  if (program === undefined) return fail('ERR_TOOL_MISSING', 'act, which runs the workflows, is not installed', { fix: INSTALL });
  const { stdout } = await ask({ command: program, args: ['--version'], timeoutMs: 10_000 });
  const version = /^act version v?(\S+)/m.exec(stdout)?.[1];
  return version === undefined ? fail('ERR_TOOL_MISSING', `${program} does not say which act it is`, { fix: INSTALL }) : { program, version };
};

/** What one run of a workflow gets. */
export interface ActRun {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: VerbContext['env'];
  readonly signal: AbortSignal;
  /** The file that takes what it writes, readable for people. */
  readonly log: string;
  /** The file that takes the summaries of its steps, as GitHub shows them. */
  readonly summary: string;
  readonly workflow: LaneWorkflow;
  readonly tell: (line: string) => void;
}

/** A line of act's output (its option --json): logrus, with fields of its own. */
interface Line {
  readonly msg?: string;
  readonly level?: string;
  readonly jobID?: string;
  readonly step?: string;
  readonly stage?: string;
  readonly stepResult?: string;
  readonly jobResult?: string;
  readonly raw_output?: boolean;
  /** A command of the runner; of a step's summary, `content` is its Markdown. */
  readonly command?: string;
  readonly content?: string;
}

const lineOf = (text: string): Line => {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return { msg: text, level: 'error' };
  }
};

/** Gathers what came of the jobs. */
const gather = ({ workflow, tell }: ActRun) => {
  const results = new Map<string, 'success' | 'failure'>();
  const failedSteps = new Map<string, string>();
  const said = new Map<string, string[]>();
  const begun = new Set<string>();
  const faults: string[] = [];
  const nameOf = (id: string): string => workflow.jobs.find((job) => job.id === id)?.name ?? id;
  return {
    faults,
    take: ({ jobID: id, msg = '', level, step, stepResult, jobResult, raw_output: raw }: Line): void => {
      if (id === undefined) return void (level === 'error' && faults.push(msg));
      if (!begun.has(id)) tell(`${nameOf(id)} begins`);
      begun.add(id);
      if (raw === true) said.set(id, [...(said.get(id) ?? []), msg.trimEnd()].slice(-TAIL_LINES));
      if (stepResult === 'failure' && step !== undefined && !failedSteps.has(id)) {
        failedSteps.set(id, step);
        tell(`${nameOf(id)}: failed is the step ${step}\n${(said.get(id) ?? []).map((line) => `  | ${line}`).join('\n')}`);
      }
      if (jobResult !== 'success' && jobResult !== 'failure') return;
      results.set(id, results.get(id) === 'failure' ? 'failure' : jobResult);
      tell(`${nameOf(id)} ${jobResult === 'success' ? 'is green' : 'is RED'}`);
    },
    jobs: (): RehearsalJob[] =>
      workflow.jobs.map(({ id, name }) => ({
        job: id,
        name,
        outcome: results.get(id) ?? (begun.has(id) ? 'failure' : 'skipped'),
        failedStep: failedSteps.get(id) ?? null,
      })),
  };
};

/**
 * Runs one workflow in act, to its end.
 * @throws ERR_REHEARSAL_UNFIT if act refuses the workflow, ERR_CANCELLED
 */
export const runAct = async ({ program }: Act, run: ActRun): Promise<RehearsalJob[]> => {
  const { args, cwd, env, signal, log, summary } = run;
  signal.throwIfAborted();
  const started = startProgram({ command: program, args, cwd, env, group: true });
  let killing: NodeJS.Timeout | undefined;
  const stop = (): void => {
    started.kill('SIGTERM');
    killing = setTimeout(started.end, GRACE_MS);
  };
  signal.addEventListener('abort', stop, { once: true });
  const gathered = gather(run);
  const read = async (stream: typeof started.stdout): Promise<void> => {
    for await (const text of createInterface({ input: stream })) {
      const line = lineOf(text);
      const job = line.jobID === undefined ? '' : `[${line.jobID}] `;
      if (line.command === 'summary') await appendFile(summary, `${line.content ?? ''}\n`);
      else await appendFile(log, `${job}${line.raw_output === true ? '| ' : ''}${(line.msg ?? '').trimEnd()}\n`);
      gathered.take(line);
    }
  };
  const [{ error }] = await Promise.all([started.exited, read(started.stdout), read(started.stderr)]);
  clearTimeout(killing);
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  const jobs = gathered.jobs();
  if (error === undefined && (started.exitCode() === 0 || jobs.some(({ outcome }) => outcome === 'failure'))) return jobs;
  return fail('ERR_REHEARSAL_UNFIT', `act does not run it: ${error?.message ?? (gathered.faults.join('; ') || `exit code ${started.exitCode()}`)}`, {
    file: run.workflow.file,
  });
};
