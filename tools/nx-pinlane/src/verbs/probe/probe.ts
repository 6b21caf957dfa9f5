import { join } from 'node:path';
import { requestsTo, untilTaken } from '@pinlane/adapters';
import { checkByAddress, readCases, type Deployed } from '@pinlane/conformance';
import { asPinlaneError, EXIT, formatProblem, isPinlaneError, plainLine, type ExitCode, type ProbeReport, type ProcessorResponse } from '@pinlane/contracts';
import type { HostedAddress } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { keepReport } from '../../deploy/keep-report.ts';
import { openTarget, type DeployTarget } from '../../deploy/target.ts';
import type { ProbeOptions } from './options.ts';

type Refusal = ProbeReport['refusals'][number];
type About = Pick<Deployed, 'spec' | 'digest' | 'cases'>;

const succeeded = ({ status }: ProcessorResponse): boolean => status >= 200 && status < 300;

/** Checks a rule that demands a refusal, and tells a refusal in another way from none at all, and both from silence. */
const refusalOf = async (
  name: Refusal['name'],
  rule: 'guard.mismatch' | 'real.missing-secret',
  address: HostedAddress,
  about: About,
  signal: AbortSignal,
): Promise<Refusal> => {
  const send = untilTaken(requestsTo(address));
  let last: ProcessorResponse | null = null;
  const request: Deployed['request'] = async (asked) => (last = await send(asked));
  const { outcome, message } = await checkByAddress({ ...about, request }, rule, signal);
  if (outcome === 'passed') return { name, outcome: 'refused', message: '' };
  if (outcome === 'skipped') return { name, outcome: 'not-applicable', message };
  if (last === null) return { name, outcome: 'unknown', message };
  return { name, outcome: succeeded(last) ? 'succeeded' : 'refused-otherwise', message };
};

/** The very image that runs, started beside the deployment with no secrets. It is removed whatever happens. */
const withoutSecrets = async ({ hosting, plan, io }: DeployTarget, about: About, atMostMs: number): Promise<Refusal> => {
  const name = 'missing-secret';
  if (about.spec.secrets.required.length === 0)
    return { name, outcome: 'not-applicable', message: 'registry.yaml requires no secret, so there is none to refuse for' };
  try {
    const started = await hosting.probe(plan, atMostMs, io);
    try {
      return await refusalOf(name, 'real.missing-secret', started, about, io.signal);
    } finally {
      await started.remove();
    }
  } catch (thrown) {
    if (io.signal.aborted || isPinlaneError(thrown, 'ERR_CANCELLED') || isPinlaneError(thrown, 'ERR_DEPLOY_CLEANUP')) throw thrown;
    return { name, outcome: 'unknown', message: plainLine(asPinlaneError(thrown).problems[0]?.message ?? 'it could not be started') };
  }
};

/** A call without credentials, which the platform's proxy must refuse. */
const withoutCredentials = async ({ hosting, plan, io }: DeployTarget, { url }: HostedAddress): Promise<Refusal> => {
  const name = 'no-credentials';
  const { proxyRefusal } = hosting;
  if (proxyRefusal === null) return { name, outcome: 'not-applicable', message: `${hosting.name} has no proxy that asks for credentials` };
  if (!plan.settings.proxyAuth) return { name, outcome: 'not-applicable', message: 'deploy.proxy_auth is off' };
  try {
    const response = await requestsTo({ url, headers: {} })({ method: 'GET', path: '/healthz', timeoutMs: 30_000, signal: io.signal });
    if (response.status === proxyRefusal) return { name, outcome: 'refused', message: '' };
    return { name, outcome: succeeded(response) ? 'succeeded' : 'refused-otherwise', message: `expected ${proxyRefusal}, got ${response.status}` };
  } catch (error) {
    io.signal.throwIfAborted();
    return { name, outcome: 'unknown', message: plainLine((error as Error).message) };
  }
};

const VERDICT_EXIT: Readonly<Record<ProbeReport['verdict'], ExitCode>> = { good: EXIT.good, bad: EXIT.verdict, unknown: EXIT.error };

const verdictOf = (refusals: readonly Refusal[]): ProbeReport['verdict'] => {
  if (refusals.some(({ outcome }) => outcome === 'succeeded' || outcome === 'refused-otherwise')) return 'bad';
  return refusals.some(({ outcome }) => outcome === 'unknown') ? 'unknown' : 'good';
};

/**
 * Proves refusals that must come. One that does not come, or comes in another form, is a verdict (exit code 2); what could not be told is an error. The
 * report is kept.
 * @throws ERR_DEPLOY_UNREACHABLE if nothing is deployed, ERR_DEPLOY_CLEANUP, ERR_CANCELLED and what `openTarget` throws
 */
export const probe = async (options: ProbeOptions, context: VerbContext): Promise<VerbOutcome<ProbeReport>> => {
  const target = await openTarget(options, context);
  const { hosting, plan, io, specFile, lane } = target;
  const cases = await readCases(join(context.root, context.projectRoot, 'acceptance'), context.root);
  const about: About = { spec: specFile.spec, digest: plan.image.digest, cases };
  const address = await hosting.address(plan.place, io.signal);
  io.progress('probing refusals');
  const refusals = [
    await withoutSecrets(target, about, options.timeout * 1000),
    await refusalOf('wrong-digest', 'guard.mismatch', address, about, io.signal),
    await withoutCredentials(target, address),
  ];
  const verdict = verdictOf(refusals);
  const document: ProbeReport = {
    ...{ kind: 'ProbeReport', schemaVersion: 1, ref: plan.ref, lane, adapter: hosting.name, ...plan.place, url: address.url, digest: plan.image.digest },
    ...{ verdict, refusals },
  };
  const lines = [
    `${plan.ref} at ${address.url}`,
    ...refusals.map(({ name, outcome, message }) => `  ${name}: ${outcome}${message === '' ? '' : `: ${message}`}`),
  ];
  const names = (...outcomes: Refusal['outcome'][]): string => refusals.flatMap(({ name, outcome }) => (outcomes.includes(outcome) ? [name] : [])).join(', ');
  if (verdict === 'bad')
    lines.push(
      formatProblem({ code: 'ERR_PROBE_SUCCEEDED', message: `${plan.place.app} did not refuse as it must: ${names('succeeded', 'refused-otherwise')}` }),
    );
  if (verdict === 'unknown') lines.push(formatProblem({ code: 'ERR_DEPLOY_UNREACHABLE', message: `it could not be told: ${names('unknown')}` }));
  return keepReport('probe', { document, lines, exitCode: VERDICT_EXIT[verdict] }, context);
};
