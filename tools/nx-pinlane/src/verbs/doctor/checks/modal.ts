import { clientFault, INSTALL, PYTHON_CLIENT, requireEnvironment, sdkVersion, type PythonClient } from '@pinlane/adapters';
import { DEPLOY_ENVIRONMENTS, isPinlaneError, type DeployEnvironment, type Lane } from '@pinlane/contracts';
import type { LaneNeeds } from '@pinlane/pipeline';
import { findingOf, missing, type Check, type Finding } from '../check.ts';

/** A client for an environment. */
export type ClientFor = (environment: DeployEnvironment, signal: AbortSignal) => PythonClient;

/** The lane that deploys to an environment. */
export const LANE_OF = { dev: 'local', staging: 'staging', main: 'main' } as const satisfies Record<DeployEnvironment, Lane>;

const TOKEN_FIX = 'Make a token (modal token new), or set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET.';

/** Work that is begun by whoever asks first, and is the same for all. */
export const once = <T>(work: (signal: AbortSignal) => Promise<T>): ((signal: AbortSignal) => Promise<T>) => {
  let begun: Promise<T> | undefined;
  return (signal) => (begun ??= work(signal));
};

/** What asking an environment found: null if it is there. */
export type Answer = unknown;
type AskEnvironment = (signal: AbortSignal) => Promise<Answer>;

/** One question for each environment, whoever asks it and how often. */
export type AskEnvironments = Readonly<Record<DeployEnvironment, AskEnvironment>>;

const askEnvironments = (clientFor: ClientFor): AskEnvironments => {
  const ask = (environment: DeployEnvironment): AskEnvironment =>
    once((signal) =>
      requireEnvironment(clientFor(environment, signal)).then(
        () => null,
        (thrown: unknown) => thrown,
      ),
    );
  return { dev: ask('dev'), staging: ask('staging'), main: ask('main') };
};

const accountFinding = async (ask: AskEnvironments, signal: AbortSignal): Promise<Finding> => {
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
export const modalChecks = (clientFor: ClientFor, needs: LaneNeeds): { readonly checks: Check[]; readonly ask: AskEnvironments } => {
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
