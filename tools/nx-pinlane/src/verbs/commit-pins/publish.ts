import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clone } from '@pinlane/adapters';
import { fail, type Lane } from '@pinlane/contracts';
import { pinCommitMessage, pinFileName, pinTrailers, pinValues, remoteAnswer, samePins, type RemoteAnswer } from '@pinlane/pipeline';
import type { WrittenPins } from './gather.ts';
import { planOnTip, proveCommit, type TipPlan } from './plan.ts';

/** What is to be committed, and where. */
export interface Publication {
  readonly written: readonly WrittenPins[];
  readonly revision: string;
  readonly branch: string;
  readonly lane: Lane;
  readonly run: string | null;
  readonly identity: { readonly name: string; readonly email: string };
  readonly dryRun: boolean;
}

/** What came of it. */
export interface Published {
  readonly outcome: 'committed' | 'there' | 'would-commit';
  readonly commit: string;
  readonly parent: string;
  readonly plan: TipPlan;
}

/** A commit that is to get to a branch. */
export interface PinsToBring {
  readonly commit: string;
  readonly tip: string;
  readonly message: string;
  readonly plan: TipPlan;
}

/** Why a commit did not get there, in whose words. */
export interface NotBrought {
  readonly said: string;
  readonly answer: RemoteAnswer;
}

/** Brings a commit to a branch. @returns the commit that is there, which may be another with the same files */
export type Bring = (pins: PinsToBring, branch: string) => Promise<{ readonly commit: string } | NotBrought>;

/** Brings a commit by `git push`. */
export const byPush =
  (clone: Clone): Bring =>
  async ({ commit, tip }, branch) => {
    const failure = await clone.push(commit, branch, tip);
    return failure === null ? { commit } : { said: failure.said, answer: remoteAnswer(failure.said) };
  };

/** So often it is tried: with others that push every few seconds, one of these finds the branch at rest. */
const ATTEMPTS = 8;

/** Waits before another attempt, up to 8 s and by chance, so that two that met do not meet again. */
const jitter = async (attempt: number, signal: AbortSignal): Promise<void> => {
  await sleep(Math.random() * Math.min(8_000, 250 * 2 ** attempt), undefined, { signal }).catch(() => signal.throwIfAborted());
};

const makeCommit = async (plan: TipPlan, tip: string, { lane, revision, run, identity }: Publication, clone: Clone): Promise<PinsToBring> => {
  const folder = await mkdtemp(join(tmpdir(), 'pinlane-pins-'));
  try {
    const files = await Promise.all(plan.writes.map(async ({ stored, text }) => ({ ...stored, blob: await clone.write(text) })));
    const tree = await clone.treeWith(tip, files, join(folder, 'index'));
    const message = pinCommitMessage(lane, plan.writes, { source: revision, run });
    // A child is never older than its parent, whatever the clock says.
    const time = Math.max(Math.floor(Date.now() / 1000), (await clone.about(tip)).time);
    const commit = await clone.commit({ tree, parent: tip, message, identity, time });
    await proveCommit(tip, commit, plan, clone);
    return { commit, tip, message, plan };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** The newest pin commit of a source on the way to a tip that has these pins; the tip if there is none. */
const commitWith = async (tip: string, { written, revision }: Publication, clone: Clone): Promise<string> => {
  for (const commit of await clone.since(revision, tip)) {
    if (pinTrailers((await clone.about(commit)).message)?.source !== revision) continue;
    const has = await Promise.all(
      written.map(async ({ path, file, ours }) => {
        const stored = await clone.fileOf(commit, path);
        const text = stored && (await clone.text(stored.blob));
        return text !== null && samePins(pinValues(text, file, pinFileName(path)!), ours);
      }),
    );
    if (has.every(Boolean)) return commit;
  }
  return tip;
};

/** Why an attempt did not end the work. @throws the code of a refusal: trying again would change nothing */
const mayTryAgain = ({ said, answer }: NotBrought, what: string): 'race' | 'unreachable' => {
  if (answer.kind !== 'refused') return answer.kind;
  return fail(answer.code, `${what}: ${said}`, answer.fix === undefined ? {} : { fix: answer.fix });
};

/**
 * Commits pins on the tip of a branch of the remote and pushes the commit. If the branch moved meanwhile it begins again at the new tip, up to 8 times; a commit
 * that arrived without an answer is found there.
 * @throws ERR_PIN_COMMIT_SUPERSEDED, ERR_PIN_COMMIT_RACE, ERR_GIT_UNREACHABLE, what a refusal of the remote means, ERR_PIN_COMMIT_DIRTY
 */
export const publishPins = async (
  publication: Publication,
  clone: Clone,
  signal: AbortSignal,
  wait = jitter,
  bring: Bring = byPush(clone),
): Promise<Published> => {
  const { branch, revision, written, dryRun } = publication;
  const made: { readonly commit: string; readonly parent: string; readonly plan: TipPlan }[] = [];
  let last: { readonly kind: 'race' | 'unreachable'; readonly said: string } = { kind: 'race', said: '' };
  for (let attempt = 0; attempt <= ATTEMPTS; attempt += 1) {
    if (attempt > 0) await wait(attempt, signal);
    const fetched = await clone.fetchTip(branch);
    if (!('tip' in fetched)) {
      last = { kind: mayTryAgain({ said: fetched.said, answer: remoteAnswer(fetched.said) }, `branch ${branch} can't be fetched`), said: fetched.said };
      continue;
    }
    const { tip } = fetched;
    if (tip === null) return fail('ERR_PIN_COMMIT_SUPERSEDED', `the remote has no branch ${branch}`);
    for (const each of made) if (await clone.isAncestor(each.commit, tip)) return { outcome: 'committed', ...each };
    if (!(await clone.isAncestor(revision, tip)))
      return fail('ERR_PIN_COMMIT_SUPERSEDED', `${revision.slice(0, 12)}, which was built, is not on branch ${branch}, whose tip is ${tip.slice(0, 12)}`);
    const plan = await planOnTip(written, tip, revision, clone);
    if (plan.writes.length === 0) return { outcome: 'there', commit: await commitWith(tip, publication, clone), parent: tip, plan };
    // The last look is for a commit that arrived without an answer.
    if (attempt === ATTEMPTS) break;
    const pins = await makeCommit(plan, tip, publication, clone);
    if (dryRun) return { outcome: 'would-commit', commit: revision, parent: tip, plan };
    const brought = await bring(pins, branch);
    if ('commit' in brought) return { outcome: 'committed', commit: brought.commit, parent: tip, plan };
    made.push({ commit: pins.commit, parent: tip, plan });
    last = { kind: mayTryAgain(brought, `branch ${branch} did not take the pin commit`), said: brought.said };
  }
  return fail(
    last.kind === 'race' ? 'ERR_PIN_COMMIT_RACE' : 'ERR_GIT_UNREACHABLE',
    `the pins did not get to branch ${branch} in ${ATTEMPTS} attempts: ${last.said}`,
  );
};
