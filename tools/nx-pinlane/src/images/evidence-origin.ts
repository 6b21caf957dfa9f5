import { headRevision, isInHistory, isShallow, remoteAddress } from '@pinlane/adapters';
import type { EvidenceOrigin } from '@pinlane/contracts';
import { workspaceName } from '@pinlane/pipeline';
import type { CountsStill } from './evidence.ts';
import { runOf } from '../workspace/ci-run.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The name of a workspace, by the remote `origin` of its clone; null if it has none. */
export const workspaceOf = async (root: string): Promise<string | null> => {
  const address = await remoteAddress(root);
  return address === null ? null : workspaceName(address);
};

/** Where a report comes from that is made here and now. */
export const evidenceOrigin = async (root: string, env: Env): Promise<EvidenceOrigin> => {
  const [workspace, { revision }] = await Promise.all([workspaceOf(root), headRevision(root)]);
  const run = runOf(env);
  return { workspace, revision, run: run !== null && run.length > 500 ? null : run };
};

/**
 * Whether a report of an earlier commit counts for what is checked out: its commit is in this history, so that the history was not rewritten since. In a clone
 * that has a part of the history nobody can tell, and it does.
 */
export const countsStillIn =
  (root: string): CountsStill =>
  async (revision) =>
    revision === null || (await isInHistory(root, revision)) || (await isShallow(root));
