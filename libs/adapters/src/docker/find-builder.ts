import type { Availability } from '@pinlane/contracts';
import { findProgram, type ProcessRunner } from '../process/index.ts';
import { abilitiesOf, parseBuildxVersion, parseDockerInfo, parseInspect, type BuilderAbilities, type InspectedBuilder } from './builder.ts';

/** A builder that has answered. */
export interface Builder extends BuilderAbilities {
  /** The absolute path of Docker's client. */
  readonly program: string;
  readonly name: string;
  readonly driver: string;
  readonly buildx: string;
  /** Null where it does not run yet; it is started by the first build. */
  readonly buildkit: string | null;
  /** Of the daemon, where that is the builder; null else. */
  readonly docker: string | null;
  readonly platforms: readonly string[];
}

type Missing = Exclude<Availability, { readonly available: true }>;

const ANSWER_WITHIN_MS = 10_000;
const EMBEDDED = 'or use --engine=embedded';

const missing = (reason: string, fix: string): Missing => ({ available: false, reason, fix: `${fix}, ${EMBEDDED}.` });

const versionOf = ({ nodes }: InspectedBuilder): string | null => nodes.map(({ buildkit }) => buildkit).find((version) => version !== null) ?? null;

/**
 * Finds the builder of that name, or the one in use: asks buildx and the daemon, and builds nothing. About a quarter of a second.
 * `env` is added to what Docker's client sees.
 */
export const findBuilder = async (
  runner: ProcessRunner,
  name: string | undefined,
  { env = {}, signal }: { readonly env?: Readonly<Record<string, string | undefined>>; readonly signal?: AbortSignal } = {},
): Promise<Builder | Missing> => {
  const program = findProgram('docker');
  if (program === null) return missing('docker is not installed', 'Install Docker with Buildx');
  const ask = async (args: readonly string[]) => {
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
  if (version.exitCode !== 0) return missing('docker has no buildx', "Install Docker's Buildx plugin");
  const buildx = parseBuildxVersion(version.stdout);
  const said = (text: string) =>
    text
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^ERROR: /, '') ?? '';
  const daemon = info.stdout.startsWith('{') ? parseDockerInfo(info.stdout) : null;
  if (inspected.exitCode !== 0) {
    if (daemon === null && name === undefined) return missing(`no Docker daemon answers: ${said(info.stderr) || said(inspected.stderr)}`, 'Start Docker');
    return missing(`the builder ${name ?? 'in use'} can't be used: ${said(inspected.stderr)}`, 'See docker buildx ls, name another with --builder');
  }
  const builder = parseInspect(inspected.stdout);
  // Of a builder that is a daemon its own silence decides; others may run where there is no daemon.
  if (builder.driver === '' || (builder.driver === 'docker' && daemon === null))
    return missing(`no Docker daemon answers: ${builder.error ?? said(info.stderr)}`, 'Start Docker, or name a builder that runs with --builder');
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

/** Whether a search found a builder. */
export const isBuilder = (found: Builder | Missing): found is Builder => 'program' in found;

/** The version of a builder's BuildKit now: one that was started by a build has one only since. */
export const buildkitVersion = async (runner: ProcessRunner, { program, name, buildkit }: Builder): Promise<string> => {
  if (buildkit !== null) return buildkit;
  const asked = await runner.run({ command: program, args: ['buildx', 'inspect', name], timeoutMs: ANSWER_WITHIN_MS }).catch(() => null);
  return (asked && versionOf(parseInspect(asked.stdout))) ?? 'unknown';
};
