import { commitNamed, openClone, type Clone } from '@pinlane/adapters';
import { EXIT, fail, PinlaneError, type PinEdits, type Problem } from '@pinlane/contracts';
import { pinFileName, pinsNothing, pinValues, samePins, type PinFileName, type PinValues } from '@pinlane/pipeline';
import type { VerbContext, VerbOutcome } from '../../command/context.ts';
import { pinCommitsOf } from '../../workspace/pin-commits.ts';

/** A file whose pins differ from those of the branch that the pull request goes to. */
interface Edited {
  readonly path: string;
  readonly kind: PinFileName;
  readonly pins: PinValues;
  /** Where they begin in the file. */
  readonly line: number;
}

const textAt = async (commit: string, path: string, clone: Clone): Promise<string | null> => {
  const stored = await clone.fileOf(commit, path);
  return stored && clone.text(stored.blob);
};

const pinsAt = async (commit: string, path: string, kind: PinFileName, clone: Clone): Promise<PinValues> => {
  const text = await textAt(commit, path, clone);
  return text === null ? {} : pinValues(text, path, kind);
};

const lineOf = (text: string, kind: PinFileName): number =>
  Math.max(1, text.split('\n').findIndex((line) => line.startsWith(kind === 'registry.yaml' ? 'image:' : 'published:')) + 1);

/** Pins that were changed between two commits. A file that is gone pins nothing, and needs nobody's leave. */
const editedPins = async (base: string, head: string, clone: Clone): Promise<Edited[]> => {
  const edited: Edited[] = [];
  for (const { path } of await clone.differences(base, head)) {
    const kind = pinFileName(path);
    const text = kind && (await textAt(head, path, clone));
    if (kind === null || text === null) continue;
    const pins = pinValues(text, path, kind);
    if (!pinsNothing(pins) && !samePins(await pinsAt(base, path, kind, clone), pins)) edited.push({ path, kind, pins, line: lineOf(text, kind) });
  }
  return edited;
};

/** The files whose pins no pin commit of the branch has. */
const notOf = async (tip: string, edited: readonly Edited[], clone: Clone): Promise<readonly Edited[]> => {
  let left = edited;
  for await (const { commit } of pinCommitsOf(tip, clone)) {
    if (left.length === 0) break;
    const has = await Promise.all(left.map(async ({ path, kind, pins }) => samePins(await pinsAt(commit, path, kind, clone), pins)));
    left = left.filter((_, at) => !has[at]);
  }
  return left;
};

/** The branch that a pull request is merged into, if its merge is checked out. @throws ERR_OPTION_INVALID */
const targetOf = async (head: string, clone: Clone): Promise<string> => {
  const [base, second] = (await clone.about(head)).parents;
  if (base !== undefined && second !== undefined) return base;
  return fail('ERR_OPTION_INVALID', `${head.slice(0, 12)} is no merge, and a pull request is looked at as it would be merged`, {
    fix: 'Check out the merge of the pull request, as GitHub does.',
  });
};

/** @throws ERR_PIN_EDITED for every file whose pins staging did not commit */
const requireBrought = async (edited: readonly Edited[], branch: string, root: string, clone: Clone): Promise<void> => {
  if (edited.length === 0) return;
  const { told: tip } = await commitNamed(root, `refs/remotes/origin/${branch}`);
  const message = tip === null ? `the pins were changed, and this clone has no branch ${branch} of origin` : `no pin commit of ${branch} has these pins`;
  const wrong = tip === null ? edited : await notOf(tip, edited, clone);
  const problems = wrong.map(({ path, line }): Problem => ({ code: 'ERR_PIN_EDITED', file: path, line, message }));
  if (problems.length > 0) throw new PinlaneError(problems as [Problem, ...Problem[]]);
};

/**
 * Looks at the merge of a pull request that is checked out, and at the pins that it changes in its first parent: each must be as one of staging's pin commits
 * has it. No pins are believed for what they say of themselves.
 * @throws ERR_PIN_EDITED for every file; ERR_OPTION_INVALID if no merge is checked out, ERR_GIT_UNUSABLE
 */
export const pinEdits = async ({ branch }: { readonly branch: string }, { root, env, signal }: VerbContext): Promise<VerbOutcome<PinEdits>> => {
  const clone = openClone({ folder: root, remote: 'origin', env, signal });
  const revision = await clone.head();
  const base = await targetOf(revision, clone);
  const edited = await editedPins(base, revision, clone);
  await requireBrought(edited, branch, root, clone);
  const brought = edited.map(({ path }) => path);
  const lines = brought.length === 0 ? ['no pins are changed'] : [`pins of ${branch} are brought:`, ...brought.map((path) => `  ${path}`)];
  return { document: { kind: 'PinEdits', schemaVersion: 1, base, revision, brought }, lines, exitCode: EXIT.good };
};
