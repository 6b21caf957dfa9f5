import { EXIT, PinlaneError, type ExitCode, type Problem, type SecretsReport } from '@pinlane/contracts';
import {
  environmentOf,
  isStored,
  secretKeysOf,
  secretNameOf,
  secretsVerdict,
  valuesOf,
  whatIsStored,
  whatIsWritten,
  type HostingPlatform,
  type SecretKey,
} from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { withAppLock } from '../../deploy/app-lock.ts';
import { keepReport } from '../../deploy/keep-report.ts';
import { reachHosting } from '../../deploy/target.ts';
import { readSpec } from '../../workspace/spec-file.ts';
import type { SecretsSyncOptions } from './options.ts';

const EXIT_CODES: Readonly<Record<SecretsReport['verdict'], ExitCode>> = { good: EXIT.good, missing: EXIT.verdict, unknown: EXIT.error };

/** A line for each kind of outcome, with the names of its keys. */
const linesOf = ({ keys, ref, environment, adapter, verdict, check }: SecretsReport): string[] => {
  const names = (outcome: string, take = (key: SecretsReport['keys'][number]) => key.name): string[] =>
    keys.some((key) => key.outcome === outcome)
      ? [
          `  ${outcome}: ${keys
            .filter((key) => key.outcome === outcome)
            .map(take)
            .join(', ')}`,
        ]
      : [];
  const head =
    keys.length === 0
      ? 'declares no secrets'
      : verdict === 'missing' && !check
        ? 'nothing was written'
        : verdict === 'unknown'
          ? 'could not be told'
          : 'secrets';
  return [
    `${ref}  ${head}  (${environment} on ${adapter})`,
    ...['set', 'unchanged', 'stored', 'unknown'].flatMap((outcome) => names(outcome)),
    ...['missing', 'absent'].flatMap((outcome) => names(outcome, ({ name, variable }) => (check ? name : variable))),
  ];
};

/** Writes what is given, unless it is there already or a required value is not given; tells what came of each key. */
const syncKeys = async (
  platform: HostingPlatform,
  { check }: SecretsSyncOptions,
  place: { readonly environment: SecretsReport['environment']; readonly secret: string },
  keys: readonly SecretKey[],
  { progress, signal, note }: VerbContext,
): Promise<SecretsReport['keys']> => {
  const { environment, secret } = place;
  const values = valuesOf(keys);
  const [stored, changed] = await Promise.all([
    platform.secrets.describe(environment, secret, signal),
    platform.secrets.changed(environment, secret, values, signal),
  ]);
  if (!stored.known) note(`what is stored as ${secret} in ${environment} could not be told: ${stored.reason}`);
  const there = whatIsStored(keys, stored, changed);
  if (check) return there;
  const lacks = keys.some(({ required, value }) => required && value === undefined);
  if (lacks) return there.map((key, at) => (keys[at]!.required && keys[at]!.value === undefined ? { ...key, outcome: 'missing' } : key));
  if (isStored(keys, stored, changed) || values.size === 0) return whatIsWritten(keys, stored, changed);
  progress(`writing the secret ${secret} in ${environment}`);
  await platform.secrets.put(environment, secret, values, { progress, signal });
  return whatIsWritten(keys, stored, changed);
};

/**
 * Stores a processor's secrets: names from registry.yaml, values from the environment with the suffix of the lane. The report is kept.
 * @throws ERR_LANE_FORBIDS, ERR_HOSTING_…, ERR_TOOL_MISSING, ERR_LOCKED, ERR_CANCELLED, and what reading registry.yaml throws
 */
export const secretsSync = async (options: SecretsSyncOptions, context: VerbContext): Promise<VerbOutcome<SecretsReport>> => {
  const { spec } = await readSpec(context);
  const problems: Problem[] = [];
  const { lane, locations, hosting } = await reachHosting(options, spec, context, problems);
  const environment = environmentOf(lane);
  if (problems.length > 0 || hosting === null || environment === null) throw new PinlaneError(problems as [Problem, ...Problem[]]);
  const keys = secretKeysOf(spec, lane, context.env);
  const secret = keys.length === 0 ? null : secretNameOf(spec.ref);
  const reported =
    secret === null
      ? []
      : await withAppLock(hosting.name, { environment, app: secret }, locations.paths, context.signal, () =>
          syncKeys(hosting, options, { environment, secret }, keys, context),
        );
  const verdict = secretsVerdict(reported);
  const report = { ref: spec.ref, lane, adapter: hosting.name, environment, secret, verdict, check: options.check, keys: [...reported] };
  const document: SecretsReport = { kind: 'SecretsReport', schemaVersion: 1, ...report };
  return keepReport('secrets', { document, lines: linesOf(document), exitCode: EXIT_CODES[verdict] }, context);
};
