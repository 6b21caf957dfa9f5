import { clientFault, INSTALL, keysOfSecrets, PYTHON_CLIENT, requireEnvironment, sdkVersion, type PythonClient } from '@pinlane/adapters';
import { DEPLOY_ENVIRONMENTS, isPinlaneError, slugOf, type DeployEnvironment, type Known, type Lane } from '@pinlane/contracts';
import { hostingOf, secretKeysOf, secretNameOf, type LaneNeeds } from '@pinlane/pipeline';
import type { SpecFile } from '../../../workspace/spec-file.ts';
import { findingOf, missing, type Check, type Finding } from '../check.ts';
import type { Settings } from '../settings.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** A client for an environment. */
export type ClientFor = (environment: DeployEnvironment, signal: AbortSignal) => PythonClient;

/** The lane that deploys to an environment. */
const LANE_OF = { dev: 'local', staging: 'staging', main: 'main' } as const satisfies Record<DeployEnvironment, Lane>;

const TOKEN_FIX = 'Make a token (modal token new), or set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET.';

/** Work that is begun by whoever asks first, and is the same for all. */
const once = <T>(work: (signal: AbortSignal) => Promise<T>): ((signal: AbortSignal) => Promise<T>) => {
  let begun: Promise<T> | undefined;
  return (signal) => (begun ??= work(signal));
};

/** What asking an environment found: null if it is there. */
type Answer = unknown;
type AskEnvironment = (signal: AbortSignal) => Promise<Answer>;

const askEnvironments = (clientFor: ClientFor): Readonly<Record<DeployEnvironment, AskEnvironment>> => {
  const ask = (environment: DeployEnvironment): AskEnvironment =>
    once((signal) =>
      requireEnvironment(clientFor(environment, signal)).then(
        () => null,
        (thrown: unknown) => thrown,
      ),
    );
  return { dev: ask('dev'), staging: ask('staging'), main: ask('main') };
};

const accountFinding = async (ask: Readonly<Record<DeployEnvironment, AskEnvironment>>, signal: AbortSignal): Promise<Finding> => {
  const answers = await Promise.all(DEPLOY_ENVIRONMENTS.map((environment) => ask[environment](signal)));
  if (answers.some((answer) => answer === null || isPinlaneError(answer, 'ERR_HOSTING_ENVIRONMENT'))) return { state: 'ok', message: 'Modal knows the token' };
  const refused = answers.find((answer) => isPinlaneError(answer, 'ERR_HOSTING_AUTH'));
  if (isPinlaneError(refused)) return findingOf('missing', { ...refused.problems[0]!, fix: TOKEN_FIX });
  throw answers[0];
};

const environmentFinding = async (name: DeployEnvironment, ask: AskEnvironment, signal: AbortSignal): Promise<Finding> => {
  const answer = await ask(signal);
  if (answer === null) return { state: 'ok', message: 'it is there' };
  if (isPinlaneError(answer, 'ERR_HOSTING_ENVIRONMENT')) return missing(answer.problems[0]!.message, `Make it: modal environment create ${name}.`);
  if (isPinlaneError(answer, 'ERR_HOSTING_AUTH')) return { state: 'unknown', message: 'Modal tells nothing without a token that it knows', fix: TOKEN_FIX };
  throw answer;
};

const clientFinding = async (client: PythonClient): Promise<Finding> => {
  const fault = await clientFault(client);
  return fault === null ? { state: 'ok', message: `modal ${PYTHON_CLIENT} of Python` } : missing(fault, INSTALL);
};

/** The clients, the account and the environments of Modal. */
export const modalChecks = (clientFor: ClientFor, needs: LaneNeeds): { readonly checks: Check[]; readonly ask: ReturnType<typeof askEnvironments> } => {
  const ask = askEnvironments(clientFor);
  const without = 'nothing is deployed to Modal from here';
  const check = (name: string, look: Check['look'], needed = needs.modal): Check => ({ group: 'modal', name, needed, without, look });
  const checks = [
    check('Python client', (signal) => clientFinding(clientFor('dev', signal))),
    check('npm client', () => {
      const version = sdkVersion();
      return version === null
        ? missing('the npm package modal is not installed beside Pinlane', 'Install the dependencies of @pinlane/nx: npm install.')
        : { state: 'ok', message: `modal ${version} of npm` };
    }),
    check('account', (signal) => accountFinding(ask, signal)),
    ...(['staging', 'main', 'dev'] as const).map((name) =>
      check(`environment ${name}`, (signal) => environmentFinding(name, ask[name], signal), needs.environment === name ? needs.modal : null),
    ),
  ];
  return { checks, ask };
};

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

/** Whether the secrets of processors that go to Modal are stored, or given, in each environment. */
export const secretChecks = (
  specs: readonly SpecFile[],
  { adapter }: Pick<Settings, 'adapter'>,
  needs: LaneNeeds,
  { clientFor, ask, env }: { readonly clientFor: ClientFor; readonly ask: ReturnType<typeof askEnvironments>; readonly env: Env },
): Check[] =>
  (['staging', 'main', 'dev'] as const).flatMap((environment) => {
    const wanted = specs.filter(({ spec }) => hostingOf(adapter, spec) === 'modal').flatMap((file) => wantedOf(file, environment, env));
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
