import { githubPlace, openClient, openClone, remoteAddress, type Clone } from '@pinlane/adapters';
import { EXIT, fail, laneRules, type Lane, type PinCommit } from '@pinlane/contracts';
import { pinLines, pinTrailers, repinsSource, workspaceName } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { valueOf } from '../../command/environment.ts';
import { tellOutputs } from '../../command/step-outputs.ts';
import { openLocations } from '../../images/locations.ts';
import { writeOwnFile } from '../../workspace/own-file.ts';
import { runOf } from '../../workspace/ci-run.ts';
import { partIn } from '../../workspace/part.ts';
import { workspacePaths } from '../../workspace/paths.ts';
import { insecureRegistries, resolveLane } from '../../workspace/settings.ts';
import { unfinishedPins } from '../../workspace/unfinished-pins.ts';
import { byApi } from './by-api.ts';
import { writtenPins, type WrittenPins } from './gather.ts';
import type { CommitPinsOptions } from './options.ts';
import { byPush, publishPins, type Bring } from './publish.ts';
import { verifyWritten } from './verify.ts';

type Env = VerbContext['env'];

/** Who the commit is by: the author that the environment or the clone names, else the account of GitHub Actions. */
const identityOf = async (env: Env, clone: Clone): Promise<{ readonly name: string; readonly email: string }> => {
  const [name, email] = [env['GIT_AUTHOR_NAME'] || (await clone.setting('user.name')), env['GIT_AUTHOR_EMAIL'] || (await clone.setting('user.email'))];
  if (name && email) return { name, email };
  return env['GITHUB_ACTIONS'] === 'true'
    ? { name: 'github-actions[bot]', email: '41898282+github-actions[bot]@users.noreply.github.com' }
    : { name: 'pinlane', email: 'pinlane@localhost' };
};

/** Makes sure that a pipeline which a pin commit set off does not go on for ever. @throws ERR_PIN_COMMIT_LOOP */
const requireNoLoop = async (written: readonly WrittenPins[], revision: string, env: Env, clone: Clone): Promise<void> => {
  const again = written.find(({ built, ours }) => repinsSource(built, ours));
  if (again === undefined || env['GITHUB_EVENT_NAME'] !== 'push' || pinTrailers((await clone.about(revision)).message) === null) return;
  fail('ERR_PIN_COMMIT_LOOP', `${revision.slice(0, 12)} is a pin commit, and ${again.name} would be pinned again for the same source`, { file: again.file });
};

/** Makes sure that no pin of this working tree failed: the commit would hide its source from the pipelines to come. @throws ERR_PIN_COMMIT_UNFINISHED */
const requireFinished = async (lane: Lane, { root, note }: VerbContext): Promise<void> => {
  const unfinished = await unfinishedPins(workspacePaths(root, lane), note);
  if (unfinished.length === 0) return;
  const [shown, more] = [unfinished.slice(0, 20).join(', '), unfinished.length - 20];
  fail('ERR_PIN_COMMIT_UNFINISHED', `pin did not end well here for ${shown}${more > 0 ? ` and ${more} more` : ''}, and a pin commit tells that all is pinned`);
};

/** How the commit gets to the branch. @throws ERR_OPTION_INVALID, ERR_PIN_COMMIT_DENIED without a token that the API needs */
const bringOf = async ({ via, remote }: CommitPinsOptions, { root, env, signal }: VerbContext, clone: Clone): Promise<Bring> => {
  if (via === 'git') return byPush(clone);
  const token = valueOf(env, 'PINLANE_GIT_TOKEN') ?? (env['GITHUB_TOKEN']?.trim() || undefined);
  if (token === undefined)
    return fail('ERR_PIN_COMMIT_DENIED', "GitHub's API needs a token, and there is none", { fix: 'Set PINLANE_GIT_TOKEN, or GITHUB_TOKEN.' });
  const address = await remoteAddress(root, remote);
  const place = githubPlace(env, address === null ? null : workspaceName(address));
  return byApi(openClient({ place, token, signal }), clone);
};

/** Hands the outcome on: as a report, and as outputs of the step of GitHub Actions. */
const report = async (document: PinCommit, { root, env }: VerbContext): Promise<void> => {
  const paths = workspacePaths(root, document.lane);
  await writeOwnFile(paths.pinCommit, document, paths.temporary);
  await tellOutputs(env, { commit: document.commit, committed: String(document.outcome === 'committed') });
};

const SAID = {
  committed: 'pins committed',
  there: 'the branch has the pins already',
  unchanged: 'nothing to pin, so no commit',
  'would-commit': 'would commit pins',
};

const linesOf = ({ outcome, commit, branch, changes, leftOut }: PinCommit): string[] => [
  `${SAID[outcome]}: ${branch}@${commit.slice(0, 12)}`,
  ...changes.flatMap(pinLines).map((line) => `  ${line}`),
  ...leftOut.map(({ name, file, reason }) => `  left out: ${name} (${file}): ${reason}`),
];

/**
 * Commits the pins that `pin` wrote into the working tree, as one commit on the tip of the lane's branch, after looking at every image that they name. Working
 * tree, index and branches of the clone stay as they are.
 * @throws ERR_LANE_FORBIDS, ERR_OPTION_INVALID, ERR_PIN_COMMIT_UNFINISHED, ERR_PIN_COMMIT_DIRTY, ERR_PIN_COMMIT_LOOP, ERR_PIN_LOCAL, what an image does not prove to be, and what `publishPins` throws
 */
export const commitPins = async (
  options: CommitPinsOptions,
  context: VerbContext,
  wait?: Parameters<typeof publishPins>[3],
): Promise<VerbOutcome<PinCommit>> => {
  const { root, env, signal, progress, patience } = context;
  const lane = resolveLane(options.lane, env);
  if (laneRules(lane).writesPins !== 'yes') fail('ERR_LANE_FORBIDS', `lane ${lane} commits no pins`);
  if (partIn(env) !== null)
    fail('ERR_PIN_COMMIT_UNFINISHED', 'this runner has a part of the processors alone, and a pin commit is of all', {
      fix: 'Unset PINLANE_PART, and pin again: what the parts built is found.',
    });
  await requireFinished(lane, context);
  const { branch = lane, remote, dryRun = false } = options;
  const clone = openClone({ folder: root, remote, env, signal, token: valueOf(env, 'PINLANE_GIT_TOKEN') });
  const revision = await clone.head();
  const written = await writtenPins(root, revision, clone);
  await requireNoLoop(written, revision, env, clone);
  const run = runOf(env);
  const common = { kind: 'PinCommit', schemaVersion: 1, lane, branch, revision, run } as const;
  const bring = await bringOf(options, context, clone);
  let document: PinCommit = { ...common, outcome: 'unchanged', commit: revision, parent: null, changes: [], leftOut: [] };
  if (written.length > 0) {
    const reach = { insecureRegistries: insecureRegistries(options.insecureRegistry, env), signal, progress, patience };
    await verifyWritten(root, written, lane, openLocations(workspacePaths(root, lane), reach));
    const published = await publishPins({ written, revision, branch, lane, run, identity: await identityOf(env, clone), dryRun }, clone, signal, wait, bring);
    const { outcome, commit, parent, plan } = published;
    const changes = plan.writes.map(({ file, name, before, after }) => ({ file, name, before: { ...before }, after: { ...after } }));
    document = { ...common, outcome, commit, parent, changes, leftOut: [...plan.leftOut] };
  }
  if (!dryRun) await report(document, context);
  return { document, lines: linesOf(document), exitCode: EXIT.good };
};
