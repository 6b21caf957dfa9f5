import { sep } from 'node:path';
import {
  asPinlaneError,
  ERROR_CATALOGUE,
  EXIT,
  fail,
  formatProblem,
  PinlaneError,
  redactText,
  type ErrorDocument,
  type ExitCode,
  type Problem,
} from '@pinlane/contracts';
import { annotationOf } from './annotations.ts';
import { createEnd } from './at-end.ts';
import { createOnce } from './once.ts';
import { guardOutput, typedSecrets, withoutSecrets } from './output.ts';
import { createReporter, type Streams } from './reporter.ts';
import { summaryOf, tellStep } from './step-summary.ts';
import type { VerbContext } from './context.ts';
import type { Verb } from './verb.ts';

/** Where a verb runs. */
export interface Place {
  readonly root: string;
  readonly project: string;
  readonly projectRoot: string;
  readonly verbose: boolean;
  /** The folder of another project of the workspace, relative to the root; null if there is none. */
  readonly rootOf?: (project: string) => Promise<string | null>;
  /** See `VerbContext`. */
  readonly targetsOf?: VerbContext['targetsOf'];
  /** Whether the image was built before this, in the same run. */
  readonly afterBuild?: boolean;
}

const GRACE_MS = 4500;

/** Whether a key of this name is anywhere in a value; a schema would leave it out without a word, as JavaScript has a meaning of its own for it. */
const hasLostKey = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (Object.hasOwn(value, '__proto__') || Object.values(value).some(hasLostKey));

/** @throws ERR_OPTION_INVALID with every problem */
const parseOptions = (verb: Verb, raw: unknown): unknown => {
  if (hasLostKey(raw)) fail('ERR_OPTION_INVALID', 'an option or an entry of one is named __proto__', { fix: 'Choose another name.' });
  const parsed = verb.parse(raw);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue): Problem => {
    const name = issue.path.length > 0 ? `--${issue.path.join('.')}: ` : '';
    return { code: 'ERR_OPTION_INVALID', message: `${name}${issue.message}` };
  });
  throw new PinlaneError(problems as [Problem, ...Problem[]]);
};

/** A problem that says what to do. */
type FixableProblem = Problem & { readonly fix: string };

/** A problem as somebody in the workspace would put it: paths relative to its root, and the processor by its name. */
const seenFrom =
  ({ root, project }: Place) =>
  ({ code, message, file, fix = ERROR_CATALOGUE[code].remedy, ...rest }: Problem): FixableProblem => {
    const near = (text: string): string => text.replaceAll(`${root}${sep}`, '');
    const place = file === undefined ? {} : { file: near(file).split(sep).join('/') };
    return { code, message: near(message), ...place, ...rest, fix: near(project === '' ? fix : fix.replaceAll('<processor>', project)) };
  };

/**
 * A signal that is aborted on SIGINT and SIGTERM. Nx kills after 5 s, so work that has not stopped shortly before that is ended here.
 * @param tell is given the error before that, because nobody else will say it
 */
export const onSignals = (tell: (error: PinlaneError) => void = () => undefined): { readonly signal: AbortSignal; readonly release: () => void } => {
  const controller = new AbortController();
  let ending: NodeJS.Timeout | undefined;
  const stop = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) return;
    const error = new PinlaneError({ code: 'ERR_CANCELLED', message: `stopped by ${signal}` });
    controller.abort(error);
    ending = setTimeout(() => {
      tell(error);
      process.exit(EXIT.error);
    }, GRACE_MS).unref();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const release = (): void => {
    clearTimeout(ending);
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  };
  return { signal: controller.signal, release };
};

/** What a verb is run with if it is not alone in its process. */
export interface Shared {
  readonly streams: Streams;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the whole process is to stop. */
  readonly signal: AbortSignal;
  /** See `VerbContext`; what waits is run as it is if absent. */
  readonly waiting?: VerbContext['waiting'];
  readonly once?: VerbContext['once'];
  readonly atEnd?: VerbContext['atEnd'];
}

type Tell = (error: PinlaneError) => void;

const alone = (streams: Streams, tell: Tell): Shared & { readonly release: () => void } => ({ streams, env: process.env, ...onSignals(tell) });

/** The document of a verb that failed. */
export const errorDocument = (problems: readonly FixableProblem[]): ErrorDocument => ({
  kind: 'Error',
  schemaVersion: 1,
  problems: [...problems],
});

/** Tells the summary of a step of GitHub Actions what came of a verb; that it can't changes no verdict. */
const summarise = async (
  verb: Verb,
  who: string,
  lines: readonly string[],
  exitCode: ExitCode,
  { env, secrets }: { readonly env: Shared['env']; readonly secrets: readonly string[] },
) => {
  if (verb.ownSummary === true && exitCode !== EXIT.error) return;
  await tellStep(env, redactText(summaryOf(verb.name, who, lines, exitCode), secrets)).catch(() => undefined);
};

/**
 * Runs one verb from raw options to its exit code: parses, reports progress, turns every error into `code: what happened` and
 * `fix: what to do`, and with --json prints one document even if it failed. No login that was typed, and none in an address, is in what it prints.
 * @param given the streams of a verb that is alone in its process; else all that it shares
 */
export const runVerb = async (verb: Verb, raw: unknown, place: Place, given: Streams | Shared = process): Promise<ExitCode> => {
  let tell: Tell = () => undefined;
  const shared: Shared & { readonly release?: () => void } = 'streams' in given ? given : alone(given, (error) => tell(error));
  const { streams, env, signal, release = () => undefined } = shared;
  const wantsJson = (raw as { json?: unknown } | null)?.json === true;
  const ci = env['CI'] !== undefined && env['CI'] !== 'false' && env['CI'] !== '';
  const own = createEnd();
  if (streams === process) guardOutput();
  const secrets = typedSecrets(raw, env);
  const who = verb.subject === 'workspace' ? '' : place.project;
  const reporter = createReporter(withoutSecrets(streams, secrets), {
    json: wantsJson,
    ci,
    verbose: place.verbose,
    project: who,
    verb: verb.name,
  });
  tell = (error) => {
    const problems = error.problems.map(seenFrom(place));
    reporter.fail(problems.map(formatProblem).join('\n'));
    if (env['GITHUB_ACTIONS'] === 'true') reporter.fail(problems.map(annotationOf).join('\n'));
    if (wantsJson) reporter.finish({ lines: [], document: errorDocument(problems) });
  };
  try {
    const options = parseOptions(verb, raw);
    const outcome = await verb.run(options, {
      root: place.root,
      project: place.project,
      projectRoot: place.projectRoot,
      rootOf: place.rootOf ?? (async () => null),
      targetsOf: place.targetsOf,
      afterBuild: place.afterBuild === true,
      env,
      progress: reporter.progress,
      note: reporter.note,
      announce: reporter.finish,
      waiting: shared.waiting ?? ((work) => work()),
      once: shared.once ?? createOnce(),
      atEnd: shared.atEnd ?? own.atEnd,
      signal,
    });
    reporter.finish(outcome);
    await summarise(verb, who, outcome.lines, outcome.exitCode, { env, secrets });
    return outcome.exitCode;
  } catch (thrown) {
    const error = asPinlaneError(signal.aborted ? signal.reason : thrown, { verbose: place.verbose });
    tell(error);
    await summarise(verb, who, error.problems.map(seenFrom(place)).map(formatProblem), error.exitCode, { env, secrets });
    return error.exitCode;
  } finally {
    reporter.end();
    await own.end();
    release();
  }
};
