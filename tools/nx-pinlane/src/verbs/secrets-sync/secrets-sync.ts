import { EXIT, fail, laneRules, refParts, type ExitCode, type HostingName, type SecretsReport } from '@pinlane/contracts';
import { isStored, secretKeysOf, secretsVerdict, valuesOf, whatIsStored, whatIsWritten, type HostingPlatform, type SecretKey } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { openModal } from '../../deploy/modal.ts';
import { resolveLane } from '../../workspace/settings.ts';
import { readSpec } from '../../workspace/spec-file.ts';
import type { SecretsSyncOptions } from './options.ts';

/** The platform whose secrets are written; no image is looked at here. */
const openSecrets = (name: HostingName, { root, env }: VerbContext): HostingPlatform => {
  if (name === 'modal') return openModal({ root, env, configOf: async () => ({}) });
  return fail('ERR_HOSTING_UNAVAILABLE', `the adapter ${name} keeps no secrets here`);
};

const isCi = ({ CI: ci }: VerbContext['env']): boolean => ci !== undefined && ci !== '' && ci !== 'false';

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
 * Stores a processor's secrets: names from registry.yaml, values from the environment with the suffix of the lane.
 * @throws ERR_LANE_FORBIDS, ERR_HOSTING_…, ERR_TOOL_MISSING, ERR_CANCELLED, and what reading registry.yaml throws
 */
export const secretsSync = async (options: SecretsSyncOptions, context: VerbContext): Promise<VerbOutcome<SecretsReport>> => {
  const lane = resolveLane(options.lane, context.env);
  const { spec } = await readSpec(context);
  const environment = laneRules(lane).deploysTo ?? fail('ERR_LANE_FORBIDS', `lane ${lane} deploys nothing, and has no secrets to store`);
  if (environment === 'dev' && options.adapter === 'modal' && isCi(context.env))
    return fail('ERR_LANE_FORBIDS', 'CI writes no secrets of the environment dev, which belongs to people');
  const keys = secretKeysOf(spec, lane, context.env);
  const { slug, major } = refParts(spec.ref);
  const secret = keys.length === 0 ? null : `${slug}-v${major}-secrets`;
  const reported = secret === null ? [] : await syncKeys(openSecrets(options.adapter, context), options, { environment, secret }, keys, context);
  const verdict = secretsVerdict(reported);
  const report = { ref: spec.ref, lane, adapter: options.adapter, environment, secret, verdict, check: options.check, keys: [...reported] };
  const document: SecretsReport = { kind: 'SecretsReport', schemaVersion: 1, ...report };
  return { document, lines: linesOf(document), exitCode: EXIT_CODES[verdict] };
};
