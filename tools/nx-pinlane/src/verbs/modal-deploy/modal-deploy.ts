import { EXIT, fail, PinlaneError, type Deployment } from '@pinlane/contracts';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { withAppLock } from '../../deploy/app-lock.ts';
import { deployTarget, documentOf, UNASKED, type Found } from '../../deploy/deploy.ts';
import { keepReport } from '../../deploy/keep-report.ts';
import { readTarget, targetOf, type DeployTarget } from '../../deploy/target.ts';
import type { ModalDeployOptions } from './options.ts';

const stopApp = async (target: DeployTarget, context: VerbContext): Promise<VerbOutcome<Deployment>> => {
  const { hosting, plan, io } = target;
  const before = await hosting.describe(plan.place, io.signal);
  await hosting.stop(plan.place, io);
  const after = await hosting.describe(plan.place, io.signal);
  if (after.state.known && after.state.value === 'running') return fail('ERR_DEPLOY_FAILED', `${plan.place.app} still runs`);
  const there = before.state.known && before.state.value === 'absent' ? 'there was none' : 'it is stopped';
  const found: Found = { outcome: 'stopped', reasons: [], url: null, configured: after.image, serving: UNASKED, evidence: null };
  const lines = [`${plan.place.app} in environment ${plan.place.environment}: ${there}`];
  return keepReport('deployment', { document: await documentOf(target, found, context), lines, exitCode: EXIT.good }, context);
};

/**
 * Deploys the image that is pinned, or ends the app with --stop.
 * @throws ERR_OPTION_INVALID, and what `readTarget` and `deployTarget` throw
 */
export const modalDeploy = async (options: ModalDeployOptions, context: VerbContext): Promise<VerbOutcome<Deployment>> => {
  if (options.stop === true && options.dryRun === true)
    throw new PinlaneError({ code: 'ERR_OPTION_INVALID', message: '--stop and --dryRun exclude each other' });
  const parts = await readTarget(options, context);
  if (options.stop !== true) return deployTarget(parts, options, context);
  const target = targetOf(parts);
  return withAppLock(target.hosting.name, target.plan.place, target.locations.paths, target.io.signal, () => stopApp(target, context));
};
