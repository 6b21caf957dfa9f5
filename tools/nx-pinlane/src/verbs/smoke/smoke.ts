import { join } from 'node:path';
import { requestsTo, untilTaken } from '@pinlane/adapters';
import { readCases, smokeTest } from '@pinlane/conformance';
import { EXIT, formatProblem, plainLine, type SmokeReport } from '@pinlane/contracts';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { keepReport } from '../../deploy/keep-report.ts';
import { openTarget } from '../../deploy/target.ts';
import type { SmokeOptions } from './options.ts';

/**
 * Runs a deployed processor in mode mock through its address. A broken rule is a verdict: exit code 2. The report is kept.
 * @throws ERR_DEPLOY_UNREACHABLE if nothing is deployed, ERR_ACCEPTANCE_CASE_INVALID, ERR_CANCELLED and what `openTarget` throws
 */
export const smoke = async (options: SmokeOptions, context: VerbContext): Promise<VerbOutcome<SmokeReport>> => {
  const target = await openTarget(options, context);
  const { hosting, plan, io, specFile, lane } = target;
  const cases = await readCases(join(context.root, context.projectRoot, 'acceptance'), context.root);
  const address = await hosting.address(plan.place, io.signal);
  io.progress(`asking ${address.url}`);
  const checks = await smokeTest({ spec: specFile.spec, digest: plan.image.digest, request: untilTaken(requestsTo(address)), cases }, io.signal);
  const failed = checks.filter(({ outcome }) => outcome === 'failed');
  const passed = checks.filter(({ outcome }) => outcome === 'passed').length;
  const document: SmokeReport = {
    ...{ kind: 'SmokeReport', schemaVersion: 1, ref: plan.ref, lane, adapter: hosting.name, ...plan.place, url: address.url, digest: plan.image.digest },
    ...{ verdict: failed.length === 0 ? 'good' : 'bad', checks: [...checks] },
  };
  const lines = [`${plan.ref} at ${address.url}: ${passed} checks passed, ${failed.length} failed`];
  lines.push(...failed.map(({ rule, title, message }) => `  failed ${rule}: ${title}: ${plainLine(message)}`));
  if (failed.length === 0) return keepReport('smoke', { document, lines, exitCode: EXIT.good }, context);
  const message = `${plan.place.app} failed ${failed.map(({ rule }) => rule).join(', ')}`;
  lines.push(formatProblem({ code: 'ERR_SMOKE_FAILED', message }));
  return keepReport('smoke', { document, lines, exitCode: EXIT.verdict }, context);
};
