import { keysOfSecrets, type PythonClient } from '@pinlane/adapters';
import { isPinlaneError, laneRules, slugOf, type DeployEnvironment, type Known, type Lane } from '@pinlane/contracts';
import { hostingOf, secretKeysOf, secretNameOf, type HostingPlatform, type LaneNeeds } from '@pinlane/pipeline';
import type { SpecFile } from '../../../workspace/spec-file.ts';
import { missing, type Check, type Finding } from '../check.ts';
import type { Settings } from '../settings.ts';
import { LANE_OF, once, type Answer, type AskEnvironments, type ClientFor } from './modal.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The required keys of a processor in an environment, and the variables that give them. */
interface WantedSecret {
  readonly name: string;
  readonly slug: string;
  readonly ref: string;
  readonly keys: readonly { readonly name: string; readonly variable: string; readonly given: boolean }[];
}

const wantedOf = ({ spec }: SpecFile, environment: DeployEnvironment, env: Env): WantedSecret[] => {
  const keys = secretKeysOf(spec, LANE_OF[environment], env).flatMap(({ name, required, variable, value }) =>
    required ? [{ name, variable, given: value !== undefined }] : [],
  );
  return keys.length === 0 ? [] : [{ name: secretNameOf(spec.ref), slug: slugOf(spec.ref), ref: spec.ref, keys }];
};

/** What is stored, and what is given, of one secret. */
export const secretFinding = ({ slug, keys }: Pick<WantedSecret, 'slug' | 'keys'>, stored: Known<readonly string[] | null>, lane: Lane): Finding => {
  const lacking = stored.known ? keys.filter(({ name }) => !(stored.value ?? []).includes(name)) : keys;
  if (lacking.length === 0) return { state: 'ok', message: `${keys.map(({ name }) => name).join(', ')} stored` };
  if (lacking.every(({ given }) => given))
    return { state: 'ok', message: `${lacking.map(({ variable }) => variable).join(', ')} set: secrets-sync --lane=${lane} stores them` };
  const ungiven = lacking.flatMap(({ given, variable }) => (given ? [] : [variable]));
  const fix = `Set ${ungiven.join(', ')}, and store them: nx run ${slug}:secrets-sync --lane=${lane}.`;
  return stored.known
    ? missing(`${lacking.map(({ name }) => name).join(', ')} not stored, and ${ungiven.join(', ')} not set`, fix)
    : { state: 'unknown', message: `it could not be told what is stored: ${stored.reason}`, fix };
};

/** The keys that are stored of many secrets in an environment, or why they are not known. */
const storedIn = async (
  client: PythonClient,
  answer: Answer,
  wanted: readonly WantedSecret[],
): Promise<Known<ReadonlyMap<string, readonly string[] | null>>> => {
  const reasonOf = (thrown: unknown): string => (isPinlaneError(thrown) ? thrown.problems[0]!.message : String(thrown));
  if (answer !== null) return { known: false, reason: `environment ${client.environment} can not be asked` };
  try {
    const keys = new Map(wanted.map((each) => [each.name, each.keys.map(({ name }) => name)]));
    return { known: true, value: await keysOfSecrets(client, keys) };
  } catch (thrown) {
    return { known: false, reason: reasonOf(thrown) };
  }
};

/** How stored secrets are asked for. */
export interface SecretSources {
  readonly clientFor: ClientFor;
  readonly ask: AskEnvironments;
  /** The services of this machine. */
  readonly local: () => HostingPlatform;
  readonly env: Env;
}

/** Whether the secrets of processors that go to Modal are stored, or given, in each environment. */
const onModal = (specs: readonly SpecFile[], needs: LaneNeeds, { clientFor, ask, env }: SecretSources): Check[] =>
  (['staging', 'main', 'dev'] as const).flatMap((environment) => {
    const wanted = specs.flatMap((file) => wantedOf(file, environment, env));
    const stored = once(async (signal) => storedIn(clientFor(environment, signal), await ask[environment](signal), wanted));
    return wanted.map((each): Check => ({
      ...{ group: 'secrets', name: `${each.ref} in ${environment}`, needed: needs.environment === environment ? needs.modal : null },
      without: `mode=real answers ERR_MISSING_SECRET in ${environment}, and modal-deploy refuses it`,
      look: async (signal) => {
        const found = await stored(signal);
        return secretFinding(each, found.known ? { known: true, value: found.value.get(each.name) ?? null } : found, LANE_OF[environment]);
      },
    }));
  });

/** The same of those that are services of this machine, in the environment of the lane. A rehearsal goes without. */
const onThisMachine = (specs: readonly SpecFile[], lane: Lane, { local, env }: SecretSources): Check[] => {
  const environment = laneRules(lane).deploysTo;
  if (environment === null) return [];
  return specs.flatMap((file) =>
    wantedOf(file, environment, env).map((each): Check => ({
      ...{ group: 'secrets', name: `${each.ref} on this machine`, needed: lane === 'local' ? null : `lane ${lane} deploys to this machine` },
      without: 'mode=real answers ERR_MISSING_SECRET in a rehearsal',
      look: async (signal) => {
        const stored = await local().secrets.describe(environment, each.name, signal);
        return secretFinding(each, stored.known ? { known: true, value: stored.value?.keys.map(({ name }) => name) ?? null } : stored, lane);
      },
    })),
  );
};

/** Whether the secrets that processors require are stored, or given, where each of them is deployed. */
export const secretChecks = (
  specs: readonly SpecFile[],
  { adapter, lane }: Pick<Settings, 'adapter' | 'lane'>,
  needs: LaneNeeds,
  sources: SecretSources,
): Check[] => {
  const on = (name: 'modal' | 'local'): SpecFile[] => specs.filter(({ spec }) => hostingOf(adapter, spec) === name);
  return [...onModal(on('modal'), needs, sources), ...onThisMachine(on('local'), lane, sources)];
};
