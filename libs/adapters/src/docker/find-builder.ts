import type { Availability } from '@pinlane/contracts';
import { findProgram, type ProcessResult, type ProcessRunner } from '../process/index.ts';
import { abilitiesOf, parseBuildxVersion, parseDockerInfo, parseInspect, type BuilderAbilities, type InspectedBuilder } from './builder.ts';

/** A builder that answered. */
export interface Builder extends BuilderAbilities {
  /** The absolute path of Docker's client. */
  readonly program: string;
  readonly name: string;
  readonly driver: string;
  readonly buildx: string;
  /** The version of its BuildKit; null if that does not run yet: the first build starts it. */
  readonly buildkit: string | null;
  /** The version of the daemon if that is the builder itself; else null. */
  readonly docker: string | null;
  readonly platforms: readonly string[];
}

type Missing = Exclude<Availability, { readonly available: true }>;

const ANSWER_WITHIN_MS = 10_000;
const EMBEDDED = 'or use --engine=embedded';

const missing = (reason: string, fix: string): Missing => ({ available: false, reason, fix: `${fix}, ${EMBEDDED}.` });

const versionOf = ({ nodes }: InspectedBuilder): string | null => nodes.map(({ buildkit }) => buildkit).find((version) => version !== null) ?? null;

/** The last line that Docker said. */
const lastLine = (text: string): string =>
  text
    .trim()
    .split('\n')
    .at(-1)
    ?.replace(/^ERROR: /, '') ?? '';

/** What Docker's client answered to `buildx version`, `buildx inspect` and `info`. */
interface Answers {
  readonly version: ProcessResult;
  readonly inspected: ProcessResult;
  readonly info: ProcessResult;
}

/** The builder that the answers tell of, or why it can't be used. `name` is the one that was asked for. */
const builderFrom = (program: string, name: string | undefined, { version, inspected, info }: Answers): Builder | Missing => {
  if (version.exitCode !== 0) return missing('docker has no buildx', "Install Docker's Buildx plugin");
  const buildx = parseBuildxVersion(version.stdout);
  const daemon = info.stdout.startsWith('{') ? parseDockerInfo(info.stdout) : null;
  if (inspected.exitCode !== 0) {
    const said = lastLine(inspected.stderr);
    if (daemon === null && name === undefined) return missing(`no Docker daemon answers: ${lastLine(info.stderr) || said}`, 'Start Docker');
    return missing(`the builder ${name ?? 'in use'} can't be used: ${said}`, 'See docker buildx ls, name another with --builder');
  }
  const builder = parseInspect(inspected.stdout);
  // A builder with the driver `docker` is the daemon itself; all others may run without one.
  if (builder.driver === '' || (builder.driver === 'docker' && daemon === null))
    return missing(`no Docker daemon answers: ${builder.error ?? lastLine(info.stderr)}`, 'Start Docker, or name a builder that runs with --builder');
  if (builder.error !== null) return missing(`the builder ${builder.name} can't be used: ${builder.error}`, 'Mend it, name another with --builder');
  return {
    program,
    name: builder.name,
    driver: builder.driver,
    buildx,
    buildkit: versionOf(builder),
    docker: builder.driver === 'docker' ? (daemon?.version ?? null) : null,
    platforms: [...new Set(builder.nodes.flatMap(({ platforms }) => platforms))],
    ...abilitiesOf(builder, daemon, buildx),
  };
};

/**
 * Finds the builder of that name, or the one in use: asks buildx and the daemon, and builds nothing. It takes about a quarter of a second.
 * `env` is added to what Docker's client sees.
 */
export const findBuilder = async (
  runner: ProcessRunner,
  name: string | undefined,
  { env = {}, signal }: { readonly env?: Readonly<Record<string, string | undefined>>; readonly signal?: AbortSignal } = {},
): Promise<Builder | Missing> => {
  const program = findProgram('docker');
  if (program === null) return missing('docker is not installed', 'Install Docker with Buildx');
  const ask = async (args: readonly string[]): Promise<ProcessResult> => {
    try {
      return await runner.run({ command: program, args, env, expectedCodes: [1, 125], timeoutMs: ANSWER_WITHIN_MS, ...(signal ? { signal } : {}) });
    } catch (thrown) {
      if (signal?.aborted) throw thrown;
      return { exitCode: -1, stdout: '', stderr: thrown instanceof Error ? thrown.message : String(thrown) };
    }
  };
  const [version, inspected, info] = await Promise.all([
    ask(['buildx', 'version']),
    ask(['buildx', 'inspect', ...(name === undefined ? [] : [name])]),
    ask(['info', '--format', '{{json .}}']),
  ]);
  return builderFrom(program, name, { version, inspected, info });
};

/** Whether a search found a builder. */
export const isBuilder = (found: Builder | Missing): found is Builder => 'program' in found;

/** The version of a builder's BuildKit. It is asked for once more if the builder was started only by the build. */
export const buildkitVersion = async (runner: ProcessRunner, { program, name, buildkit }: Builder): Promise<string> => {
  if (buildkit !== null) return buildkit;
  const asked = await runner.run({ command: program, args: ['buildx', 'inspect', name], timeoutMs: ANSWER_WITHIN_MS }).catch(() => null);
  return (asked && versionOf(parseInspect(asked.stdout))) ?? 'unknown';
};
