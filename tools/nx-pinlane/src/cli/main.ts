import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { asPinlaneError, ERROR_CATALOGUE, EXIT, formatProblem, type ExitCode } from '@pinlane/contracts';
import { guardOutput, typedSecrets, withoutSecrets } from '../command/output.ts';
import { errorDocument, runVerb } from '../command/run-verb.ts';
import type { Verb } from '../command/verb.ts';
import { hideFromGit } from '../workspace/own-folder.ts';
import { VERBS } from '../verbs/index.ts';
import { parseArguments } from './arguments.ts';
import { buildsSource } from './builds-source.ts';
import { overview, verbNamed } from './commands.ts';
import { findProject, workspaceAbove, workspaceIn, type FoundProject } from './find-project.ts';

/** Bundles a processor that has a source, as Nx does in a task of its own: the image must hold the source as it is now. */
const bundleFirst = async ({ root, project, projectRoot }: FoundProject, verbose: boolean): Promise<ExitCode> => {
  if (!existsSync(join(root, projectRoot, 'src/main.ts'))) return EXIT.good;
  const bundle = await VERBS.bundle();
  const quiet: Verb = { ...bundle, run: async (options, context) => ({ ...(await bundle.run(options, context)), lines: [] }) };
  return runVerb(quiet, {}, { root, project, projectRoot, verbose });
};

const run = async ([command, ...args]: readonly string[], cwd: string): Promise<ExitCode> => {
  if (command === undefined || command === '--help' || command === '-h' || command === 'help') {
    process.stdout.write(`${overview()}\n`);
    return EXIT.good;
  }
  const verb = await VERBS[verbNamed(command)]();
  const given = parseArguments(verb, command, args);
  if (given.kind === 'help') {
    const { helpText } = await import('./help.ts');
    process.stdout.write(`${helpText(verb, command)}\n`);
    return EXIT.good;
  }
  const { project, options, verbose } = given;
  const looksOnly = verb.looksOnly === true;
  const place =
    project === null ? { root: looksOnly ? (workspaceIn(cwd) ?? cwd) : workspaceAbove(cwd), project: '', projectRoot: '.' } : await findProject(project, cwd);
  if (!looksOnly) hideFromGit(place.root);
  const rootOf = (other: string) =>
    findProject(other, place.root).then(
      ({ projectRoot }) => projectRoot,
      () => null,
    );
  const bundled = buildsSource(verb.name, options, process.env) ? await bundleFirst(place, verbose) : EXIT.good;
  return bundled === EXIT.good ? runVerb(verb, options, { ...place, rootOf, verbose }) : bundled;
};

/** The value in an argument that is an option with one. */
const valueIn = (argument: string): string => argument.replace(/^--[^=]*=/, '');

/** The `pinlane` command: one verb on one project, with the exit code as it is (Nx makes 1 of every failure). */
export const main = async (args: readonly string[], cwd: string): Promise<ExitCode> => {
  guardOutput();
  try {
    return await run(args, cwd);
  } catch (thrown) {
    // Parsing the command line may be what failed, so --json and --verbose are looked for in it as it came.
    const error = asPinlaneError(thrown, { verbose: args.includes('--verbose') });
    const { stdout, stderr } = withoutSecrets(process, typedSecrets(args.map(valueIn), process.env));
    const problems = error.problems.map((problem) => ({ ...problem, fix: problem.fix ?? ERROR_CATALOGUE[problem.code].remedy }));
    stderr.write(`${problems.map(formatProblem).join('\n')}\n`);
    if (args.includes('--json')) stdout.write(`${JSON.stringify(errorDocument(problems))}\n`);
    return error.exitCode;
  }
};
