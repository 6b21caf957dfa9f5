import { EXIT, fail, formatReference, shortDigest, type Deployment, type Problem } from '@pinlane/contracts';
import { indexPinOf, requireMayPin } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { deployTarget } from '../../deploy/deploy.ts';
import { attempt, readTarget, targetOf } from '../../deploy/target.ts';
import { resolveLane } from '../../workspace/settings.ts';
import { earlierPin, type EarlierPin } from './earlier-pin.ts';
import type { RollbackOptions } from './options.ts';

/** Writes the pins that were deployed, as `pin --digest` does. @returns its lines */
const writePin = async ({ commit, spec }: EarlierPin, { lane, insecureRegistry }: RollbackOptions, context: VerbContext): Promise<readonly string[]> => {
  const index = indexPinOf(spec);
  if (index === null)
    return fail('ERR_ROLLBACK_TARGET', `commit ${commit.slice(0, 12)} pins no index, and pins are written of an index: pin by hand, or leave --pin out`);
  const { pin } = await import('../pin/pin.ts');
  return (await pin({ digest: formatReference(index), lane, insecureRegistry }, context)).lines;
};

/**
 * Deploys the image that an earlier commit pinned, with the settings of now: through the same checks as every deployment, and on the same evidence.
 * registry.yaml goes on naming the newer one, which is said, unless --pin writes the earlier one.
 * @throws ERR_ROLLBACK_TARGET, and what `modal-deploy` and `pin --digest` throw
 */
export const rollback = async (options: RollbackOptions, context: VerbContext): Promise<VerbOutcome<Deployment>> => {
  const problems: Problem[] = [];
  const lane = resolveLane(options.lane, context.env);
  if (options.pin === true) await attempt(problems, () => requireMayPin(lane));
  let earlier: EarlierPin | undefined;
  const parts = await readTarget(options, context, async (specFile, platform) => {
    earlier = await earlierPin(context.root, options.to, specFile, platform);
    return { ...specFile.spec, image: earlier.spec.image };
  });
  const outcome = await deployTarget({ ...parts, problems: [...problems, ...parts.problems] }, options, context);
  const { plan, specFile } = targetOf(parts);
  const { commit } = earlier!;
  const back = `${plan.ref} goes back to ${shortDigest(plan.image.digest)}, which commit ${commit.slice(0, 12)} pins`;
  if (outcome.exitCode !== EXIT.good || options.dryRun === true) return { ...outcome, lines: [back, ...outcome.lines] };
  const pins =
    options.pin === true
      ? await writePin(earlier!, options, context)
      : [`  ${specFile.file} still pins another image, which the next deployment brings back: write the earlier pin with --pin`];
  return { ...outcome, lines: [back, ...outcome.lines, ...pins] };
};
