import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CATALOGUE, EXIT, formatProblem, type ExitCode } from '@pinlane/contracts';
import { helpText, parseCommandLine } from './cli/arguments.ts';
import { findProject, workspaceAbove, type FoundProject } from './cli/find-project.ts';
import type { Verb } from './options/index.ts';
import { buildsSource } from './shell/lane.ts';
import { asPinlaneError, runVerb, type Flow } from './shell/run-verb.ts';

// Each verb loads what it needs and no more.
const FLOWS: { readonly [V in Verb]: () => Promise<Flow<V>> } = {
  bundle: async () => (await import('./flows/bundle.ts')).bundle,
  buildx: async () => (await import('./flows/buildx.ts')).buildx,
  pin: async () => (await import('./flows/pin.ts')).pin,
  acceptance: async () => (await import('./flows/acceptance.ts')).acceptance,
  base: async () => (await import('./flows/base.ts')).base,
  'base-update': async () => (await import('./flows/base.ts')).baseUpdate,
  'verify-pins': async () => (await import('./flows/verify-pins.ts')).verifyPins,
  'store-gc': async () => (await import('./flows/store-gc.ts')).storeGc,
  'store-serve': async () => (await import('./flows/store-serve.ts')).storeServe,
};

const runOne = async <V extends Verb>(verb: V, options: Record<string, unknown>, place: FoundProject, verbose: boolean): Promise<ExitCode> =>
  runVerb(verb, (await FLOWS[verb]()) as Flow<V>, options, { ...place, verbose });

/** Where Nx runs it as a task of its own, this does it first: what is built must hold the source as it is now. */
const bundleFirst = (verb: Verb, options: Record<string, unknown>, { root, projectRoot }: FoundProject): boolean =>
  buildsSource(verb, options, process.env) && existsSync(join(root, projectRoot, 'src/main.ts'));

/** The `pinlane` command: one verb on one project, with the exit code as it is (Nx makes 1 of every failure). */
export const main = async (args: readonly string[], cwd: string): Promise<ExitCode> => {
  try {
    const command = parseCommandLine(args);
    if (command.kind === 'help') {
      process.stdout.write(`${helpText(command.verb)}\n`);
      return EXIT.good;
    }
    const { verb, options, verbose } = command;
    const place = command.project === null ? { root: workspaceAbove(cwd), project: '', projectRoot: '.' } : await findProject(command.project, cwd);
    if (bundleFirst(verb, options, place)) {
      const { bundle } = await import('./flows/bundle.ts');
      const quiet: Flow<'bundle'> = async (parsed, context) => ({ ...(await bundle(parsed, context)), lines: [] });
      const exitCode = await runVerb('bundle', quiet, {}, { ...place, verbose });
      if (exitCode !== EXIT.good) return exitCode;
    }
    return await runOne(verb, options, place, verbose);
  } catch (thrown) {
    // The command line may be what could not be read, so it is looked at as it came.
    const error = asPinlaneError(thrown, args.includes('--verbose'));
    const problems = error.problems.map((problem) => ({ ...problem, fix: problem.fix ?? ERROR_CATALOGUE[problem.code].remedy }));
    process.stderr.write(`${problems.map(formatProblem).join('\n')}\n`);
    if (args.includes('--json')) process.stdout.write(`${JSON.stringify({ kind: 'Error', schemaVersion: 1, problems })}\n`);
    return error.exitCode;
  }
};
