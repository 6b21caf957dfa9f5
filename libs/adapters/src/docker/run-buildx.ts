import { PinlaneError, type Platform } from '@pinlane/contracts';
import { redactText } from '../process/index.ts';
import { buildArguments, type BuildOutput } from './arguments.ts';
import type { DockerBuild } from './build.ts';
import { buildFailure, cacheFailures, lineSplitter, progressLine, unusableCache } from './output.ts';
import { parseSecrets } from './secrets.ts';

/** Docker's exit codes for a build that failed. */
const FAILED = [1, 2, 17, 125];

const runOnce = async (build: DockerBuild, args: readonly string[], hide: (text: string) => string) => {
  const { input, builder, io, hidden } = build;
  const onStderr = lineSplitter((line) => {
    const shown = progressLine(line);
    if (shown !== null) io.progress(hide(shown));
  });
  const { exitCode, stdout, stderr } = await input.runner.run({
    command: builder.program,
    args,
    cwd: input.root,
    env: input.env,
    secrets: hidden,
    expectedCodes: FAILED,
    signal: io.signal,
    group: true,
    onStderr,
  });
  return { exitCode, said: `${stdout}\n${stderr}` };
};

/**
 * Runs `docker buildx build`, and shows its progress. A cache never fails a build: if it can't be read or written, a note says so.
 * @throws ERR_BUILD_FAILED, ERR_OPTION_INVALID, ERR_CANCELLED
 */
export const runBuildx = async (build: DockerBuild, platforms: readonly Platform[], output: BuildOutput, options = build.input.options): Promise<void> => {
  const { input, builder, plan, hidden, context, dockerfile } = build;
  const { bases, noCache, isolated, root, env, file, note } = input;
  const secrets = parseSecrets(options.secret ?? [], env);
  const hide = (text: string): string => redactText(text, hidden);
  const args = buildArguments({ plan, platforms, context, dockerfile, bases, output, options, secrets, noCache, isolated, root }, builder);
  const { exitCode, said } = await runOnce(build, args, hide);
  const unusable = exitCode === 0 || (options.cacheTo ?? []).length === 0 ? null : unusableCache(said);
  if (unusable !== null) {
    // BuildKit fails of such a cache before it builds, whatever `ignore-error` says.
    note(`WARNING the cache will not be exported: ${hide(unusable)}`);
    return runBuildx(build, platforms, output, { ...options, cacheTo: [] });
  }
  if (exitCode !== 0) throw new PinlaneError(buildFailure(said, file, hide));
  const { exported, imported } = cacheFailures(said);
  if (exported !== null) note(`WARNING the image is built, and the cache was not exported: ${hide(exported)}`);
  // No warning: the first build of all finds no cache either.
  if (imported !== null) note(`a cache was not used: ${hide(imported)}`);
};
