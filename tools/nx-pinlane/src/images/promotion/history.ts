import { commitNamed, commitsThatChanged, COMMITS_AT_MOST, isShallow, openClone, type Clone } from '@pinlane/adapters';
import { fail, type PromotingCommit } from '@pinlane/contracts';
import {
  notPinnedByStaging,
  pinTrailers,
  pinValues,
  readPinCommit,
  samePins,
  SOURCE_TRAILER,
  type Candidate,
  type ChangedFile,
  type PinCommitFacts,
  type PinValues,
  type PromotionDoubt,
} from '@pinlane/pipeline';
import type { VerbContext } from '../../command/context.ts';
import type { SpecFile } from '../../workspace/spec-file.ts';

/** What git tells of where the pins of a workspace come from. */
export interface History {
  /** What is checked out. */
  readonly commit: string;
  /** Where staging is, as this clone knows it. */
  readonly staging: string;
  /** Where a commit is; see `Asking`. */
  readonly whereIs: (revision: string) => Promise<'in' | 'out' | 'unknown'>;
  /** The pin commit of staging that wrote the pins of a file, or what is wrong without one. */
  readonly pinnedBy: (specFile: SpecFile) => Promise<{ readonly pinnedBy: PromotingCommit } | { readonly doubt: PromotionDoubt }>;
  /** The pins that the checked-out commit has in a file; null if it has no such file. */
  readonly committedPins: (file: string) => Promise<PinValues | null>;
}

/** Everything that a commit changed, with its texts. */
const changedIn = async (clone: Clone, commit: string, parent: string): Promise<ChangedFile[]> => {
  const changes = await clone.differences(parent, commit);
  return Promise.all(
    changes.map(async ({ path, modeBefore, modeAfter }) => {
      const textAt = async (at: string): Promise<string | null> => {
        const file = await clone.fileOf(at, path);
        return file === null ? null : clone.text(file.blob);
      };
      const [before, after] = await Promise.all([textAt(parent), textAt(commit)]);
      return { path, sameMode: modeBefore === modeAfter, before, after };
    }),
  );
};

/** A commit, read as the pin commit that it claims to be. */
const readCommit = async (clone: Clone, commit: string): Promise<PinCommitFacts | { readonly reason: string }> => {
  const { message, parents } = await clone.about(commit);
  const source = pinTrailers(message)?.source;
  const [parent] = parents;
  const isPlain = parent !== undefined && parents.length === 1;
  return readPinCommit({
    message,
    parents: parents.length,
    changed: isPlain ? await changedIn(clone, commit, parent) : [],
    comesAfterSource: source !== undefined && source !== commit && (await clone.isAncestor(source, commit)),
  });
};

/** @throws ERR_PROMOTION_UNKNOWN */
const named = async (root: string, name: string, what: string): Promise<string> => {
  const found = await commitNamed(root, name);
  return found.told ?? fail('ERR_PROMOTION_UNKNOWN', `${what}, ${name}, is not to be found: ${'reason' in found ? found.reason : ''}`);
};

/**
 * Reads the history of a workspace. Pins are compared by content with those that pin commits of staging wrote, so that it does not matter by what merge, squash
 * or cherry-pick they came; a commit's trailers are believed in the history of staging alone.
 * @throws ERR_PROMOTION_UNKNOWN if there is no commit, or no staging in this clone
 */
export const openHistory = async ({ root, env, signal }: VerbContext, ref: string): Promise<History> => {
  const clone = openClone({ folder: root, remote: 'origin', env, signal });
  const commit = await named(root, 'HEAD', 'the commit that is checked out');
  const staging = await named(root, ref, 'the branch of staging');
  const [shallow, prefix] = await Promise.all([isShallow(root), clone.prefix()]);
  const read = new Map<string, ReturnType<typeof readCommit>>();
  const pinCommit = (each: string): ReturnType<typeof readCommit> => {
    const reading = read.get(each) ?? readCommit(clone, each);
    read.set(each, reading);
    return reading;
  };

  /** The newest pin commit of a history that wrote these pins, and those that did not. */
  const findIn = async (from: string, ref: string, pins: PinValues) => {
    const texts = Object.values(pins).flatMap((value) => (value === null ? [] : [/sha256:[a-f0-9]{64}$/.exec(value)?.[0] ?? value]));
    const found = await commitsThatChanged(root, from, { line: `${SOURCE_TRAILER}: `, texts });
    if (found.told === null) return fail('ERR_PROMOTION_UNKNOWN', `git does not tell the history of ${from.slice(0, 12)}: ${found.reason}`);
    const candidates: Candidate[] = [];
    for (const each of found.told) {
      const facts = await pinCommit(each);
      if ('reason' in facts) candidates.push({ commit: each, reason: facts.reason });
      else if (facts.files.some((file) => file.ref === ref && samePins(file.pins, pins))) return { commit: each, facts, candidates, cut: false };
      else candidates.push({ commit: each, reason: 'it wrote other pins' });
    }
    return { commit: null, candidates, cut: found.told.length >= COMMITS_AT_MOST };
  };

  return {
    commit,
    staging,
    whereIs: async (revision) => {
      if (await clone.isAncestor(revision, staging)) return 'in';
      return shallow ? 'unknown' : 'out';
    },
    committedPins: async (file) => {
      const found = await clone.fileOf(commit, `${prefix}${file}`);
      const text = found && (await clone.text(found.blob));
      return text === null ? null : pinValues(text, file, 'registry.yaml');
    },
    pinnedBy: async ({ text, file, spec }) => {
      const pins = pinValues(text, file, 'registry.yaml');
      const found = await findIn(staging, spec.ref, pins);
      if (found.commit !== null) {
        const { source, run } = found.facts;
        const by = (await clone.isAncestor(found.commit, commit)) ? 'history' : 'content';
        return { pinnedBy: { commit: found.commit, source, run, by } };
      }
      const partial = shallow ? 'this clone holds a part of the history only' : found.cut ? `only the last ${COMMITS_AT_MOST} were looked at` : null;
      const elsewhere = partial === null ? (await findIn(commit, spec.ref, pins)).commit : null;
      return { doubt: notPinnedByStaging(spec.ref, { staging: ref, candidates: found.candidates, elsewhere, partial }) };
    },
  };
};
