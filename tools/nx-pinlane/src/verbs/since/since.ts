import { openClone, type Clone } from '@pinlane/adapters';
import { EXIT, type Lane, type Since } from '@pinlane/contracts';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { tellOutputs } from '../../command/step-outputs.ts';
import { pinCommitsOf } from '../../workspace/pin-commits.ts';
import { resolveLane } from '../../workspace/settings.ts';

type Found = { readonly base: string; readonly reason: string } | { readonly base: null; readonly reason: string };

/** GitHub checks out the merge of a pull request into its branch: what it changes is what it differs in from the first parent. */
const ofPullRequest = async (head: string, clone: Clone): Promise<Found> => {
  const { parents } = await clone.about(head);
  return parents.length > 1
    ? { base: parents[0]!, reason: 'the branch that the pull request is merged into' }
    : { base: null, reason: 'what is checked out is no merge into another branch' };
};

/** Pipelines may fail and be skipped: what they did not build is there since the last one that pinned. */
const ofPins = async (head: string, clone: Clone): Promise<Found> => {
  for await (const { commit, source } of pinCommitsOf(head, clone))
    return { base: source, reason: `what ${commit.slice(0, 12)}, the last pin commit, was built from` };
  return { base: null, reason: 'no pin commit comes before what is checked out' };
};

const find = async (lane: Lane, head: string, clone: Clone): Promise<Found> => {
  if (lane === 'pr') return ofPullRequest(head, clone);
  // What runs already is left alone, and a deployment that failed is made good by the next one.
  if (lane === 'main') return { base: null, reason: 'no commit tells what is deployed' };
  return ofPins(head, clone);
};

/**
 * Finds the commit since which a lane looks for what has changed: more than needed at worst, never less. In a step of GitHub Actions it is the output `base`.
 * @throws ERR_GIT_UNUSABLE, ERR_TOOL_MISSING
 */
export const since = async (options: { readonly lane?: Lane | undefined }, { root, env, signal }: VerbContext): Promise<VerbOutcome<Since>> => {
  const lane = resolveLane(options.lane, env);
  const clone = openClone({ folder: root, remote: 'origin', env, signal });
  const { base, reason } = await find(lane, await clone.head(), clone);
  const document: Since = { kind: 'Since', schemaVersion: 1, lane, base: base ?? (await clone.emptyTree()), everything: base === null, reason };
  await tellOutputs(env, { base: document.base });
  const line = base === null ? `everything counts as changed: ${reason}` : `changed is what differs from ${base.slice(0, 12)}: ${reason}`;
  return { document, lines: [line], exitCode: EXIT.good };
};
