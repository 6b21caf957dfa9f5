import { join, posix } from 'node:path';
import type { Clone } from '@pinlane/adapters';
import { asPinlaneError, fail } from '@pinlane/contracts';
import { differInPinsOnly, lostPins, parseSpec, pinFileName, pinValues, samePins, type PinFileName, type PinValues } from '@pinlane/pipeline';
import { readExactText } from '../../workspace/spec-file.ts';

/** A file whose pins were written since the checkout. */
export interface WrittenPins {
  /** Relative to the workspace's root. */
  readonly file: string;
  /** Relative to the top of the working tree. */
  readonly path: string;
  readonly kind: PinFileName;
  /** The ref of the processor, or the folder of the base. */
  readonly name: string;
  /** The text in the working tree. */
  readonly text: string;
  /** The text of the commit that was built. */
  readonly builtText: string;
  readonly built: PinValues;
  readonly ours: PinValues;
}

const dirty = (message: string, file?: string): never => fail('ERR_PIN_COMMIT_DIRTY', message, file === undefined ? {} : { file });

/** A text as git would store it, if the checkout turned its ends of lines into those of Windows. */
const asStored = (text: string, stored: string): string => (stored.includes('\r\n') ? text : text.replaceAll('\r\n', '\n'));

const readWritten = async (root: string, prefix: string, path: string, revision: string, clone: Clone): Promise<WrittenPins | null> => {
  const kind = pinFileName(path);
  if (kind === null || !path.startsWith(prefix)) return dirty('it was changed since the checkout, and only pins may be', path);
  const file = path.slice(prefix.length);
  const stored = await clone.fileOf(revision, path);
  if (stored === null) return dirty('the commit that was built has no such file', file);
  const builtText = (await clone.text(stored.blob)) ?? dirty('the file of the commit that was built is not UTF-8', file);
  const text = asStored(
    await readExactText(join(root, file), file).catch((cause: unknown) => dirty(`it can't be read: ${asPinlaneError(cause).problems[0]?.message}`, file)),
    builtText,
  );
  if (!differInPinsOnly(builtText, text, file, kind)) return dirty('more than its pins was changed since the checkout', file);
  const [built, ours] = [pinValues(builtText, file, kind), pinValues(text, file, kind)];
  if (samePins(built, ours)) return null;
  const lost = lostPins(built, ours);
  if (lost.length > 0) return dirty(`it pins ${lost.join(' and ')} no longer, and a pin is replaced, never taken away`, file);
  const name = kind === 'registry.yaml' ? parseSpec(text, { file }).spec.ref : posix.dirname(file);
  return { file, path, kind, name, text, builtText, built, ours };
};

/**
 * Finds the pins that were written since the checkout, and proves that nothing else was: no other tracked file, no other value and no comment, and no new file
 * in the folder of what is pinned, which could be in its image.
 * @throws ERR_PIN_COMMIT_DIRTY, ERR_GIT_UNUSABLE and what reading a file throws
 */
export const writtenPins = async (root: string, revision: string, clone: Clone): Promise<WrittenPins[]> => {
  const prefix = await clone.prefix();
  const changes = await clone.changes();
  const written: WrittenPins[] = [];
  for (const { path, untracked } of changes) {
    const found = untracked ? null : await readWritten(root, prefix, path, revision, clone);
    if (found !== null) written.push(found);
  }
  const stranger = changes.find(({ path, untracked }) => untracked && written.some((each) => path.startsWith(`${posix.dirname(each.path)}/`)));
  if (stranger !== undefined) dirty('it is in the folder of a processor that is pinned, and in no commit', stranger.path);
  return written.sort((a, b) => (a.file < b.file ? -1 : 1));
};
