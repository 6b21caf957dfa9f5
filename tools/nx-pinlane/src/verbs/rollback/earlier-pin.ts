import { commitNamed, commitsOf, committedFile, isShallow } from '@pinlane/adapters';
import { architectureOf, asPinlaneError, fail, formatReference, type Platform, type ProcessorSpec } from '@pinlane/contracts';
import { parseSpec, pinsOf } from '@pinlane/pipeline';
import type { SpecFile } from '../../workspace/spec-file.ts';

/** The pins of an earlier commit. */
export interface EarlierPin {
  readonly commit: string;
  /** The spec as it was then; only its pins are taken from it. */
  readonly spec: ProcessorSpec;
}

const short = (commit: string): string => commit.slice(0, 12);

const pinIn = (spec: ProcessorSpec, platform: Platform): string | null => {
  const pin = pinsOf(spec)[architectureOf(platform)];
  return pin === undefined ? null : formatReference(pin);
};

/** The spec of a commit. @throws ERR_ROLLBACK_TARGET if that commit has none that can be read */
const specAt = async (root: string, commit: string, { file, spec: now }: SpecFile): Promise<ProcessorSpec> => {
  const { told, ...why } = await committedFile(root, commit, file);
  if (told === null) return fail('ERR_ROLLBACK_TARGET', `commit ${short(commit)} has no ${file}: ${'reason' in why ? why.reason : ''}`, { file });
  let spec: ProcessorSpec;
  try {
    ({ spec } = parseSpec(told.text, { file: `${short(commit)}:${file}` }));
  } catch (thrown) {
    const [problem] = asPinlaneError(thrown).problems;
    return fail('ERR_ROLLBACK_TARGET', `registry.yaml of commit ${short(commit)} can't be read: ${problem?.message}`, { file });
  }
  if (spec.ref !== now.ref) fail('ERR_ROLLBACK_TARGET', `at commit ${short(commit)} this was ${spec.ref}, and it is ${now.ref}`, { file });
  return spec;
};

/** The pins of a commit that was named. @throws ERR_ROLLBACK_TARGET */
const named = async (root: string, name: string, specFile: SpecFile, platform: Platform): Promise<EarlierPin> => {
  const found = await commitNamed(root, name);
  if (found.told === null)
    return fail('ERR_ROLLBACK_TARGET', `--to=${name}: ${found.reason}`, { fix: 'Name a commit that pinned this processor: git log -- registry.yaml.' });
  const spec = await specAt(root, found.told, specFile);
  if (pinIn(spec, platform) === null) fail('ERR_ROLLBACK_TARGET', `commit ${short(found.told)} pins nothing for ${platform}`, { file: specFile.file });
  return { commit: found.told, spec };
};

/** The newest pins in the history that name another image than the present ones. @throws ERR_ROLLBACK_TARGET */
const previous = async (root: string, specFile: SpecFile, platform: Platform): Promise<EarlierPin> => {
  const { file, spec: now } = specFile;
  const commits = await commitsOf(root, file);
  if (commits.told === null) return fail('ERR_ROLLBACK_TARGET', `git does not tell which pins were before: ${commits.reason}`, { file });
  const present = pinIn(now, platform);
  for (const commit of commits.told) {
    // What can't be read any more is passed over: whoever wants that very commit names it.
    const spec = await specAt(root, commit, specFile).catch(() => null);
    const pin = spec && pinIn(spec, platform);
    if (spec && pin !== null && pin !== present) return { commit, spec };
  }
  return fail('ERR_ROLLBACK_TARGET', `no commit before pins another image of ${now.ref} for ${platform}`, {
    file,
    ...((await isShallow(root))
      ? { fix: 'This clone holds a part of the history: git fetch --unshallow (fetch-depth: 0 in a workflow), or name the commit: --to.' }
      : {}),
  });
};

/**
 * Finds the pins to go back to: those of the commit that is named, else the newest ones that were others for the platform.
 * @param to the commit, as git understands it; the one before the present pins if undefined
 * @throws ERR_ROLLBACK_TARGET
 */
export const earlierPin = (root: string, to: string | undefined, specFile: SpecFile, platform: Platform): Promise<EarlierPin> =>
  to === undefined ? previous(root, specFile, platform) : named(root, to, specFile, platform);
