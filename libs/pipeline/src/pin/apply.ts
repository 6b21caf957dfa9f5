import canonicalize from 'canonicalize';
import { fail, isPinlaneError } from '@pinlane/contracts';
import { parseSpec } from '../spec/parse.ts';
import { commentsIn } from './comments.ts';
import type { PinEdit } from './plan.ts';
import { splice } from './splice/splice.ts';

type Json = Record<string, unknown>;

const withValue = (value: unknown, [key, ...rest]: readonly string[], leaf: string | null): unknown =>
  key === undefined ? leaf : { ...(value as Json | null), [key]: withValue((value as Json | null)?.[key], rest, leaf) };

/** The content of a document as it is written, without defaults. */
const raw = (text: string, file: string): unknown => parseSpec(text, { file }).source.document.toJS({ maxAliasCount: 0 });

const isSame = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((each, at) => each === b[at]);

/**
 * Writes pins into the text of a registry.yaml. Comments, order, quotes, blank lines and line endings stay. The result is parsed again, to prove that the
 * pins are what was asked for, that nothing else changed, and that every comment is still there. Without edits the text stays the same.
 * @throws ERR_REGISTRY_CONFLICT if the proof fails, and the codes of parseSpec
 */
export const applyPins = (text: string, edits: readonly PinEdit[], { file }: { readonly file: string }): string => {
  if (edits.length === 0) return text;
  const before = raw(text, file);
  const expected = edits.reduce<unknown>((value, { path, value: leaf }) => withValue(value, path, leaf), before);
  try {
    // `splice` parses what it has written before it goes on. An error in there names a place that is not in the user's file, so it is only the cause of the one that is thrown.
    const written = splice(text, edits, file);
    const isProven = canonicalize(raw(written, file)) === canonicalize(expected) && isSame(commentsIn(written), commentsIn(text));
    if (isProven) return written;
  } catch (error) {
    if (!isPinlaneError(error)) throw error;
    return fail('ERR_REGISTRY_CONFLICT', 'the pins could not be written without changing the rest of the file', {
      file,
      fix: 'Write the image section in plain block style, as docs/reference/registry-yaml.md shows it.',
      cause: error,
    });
  }
  return fail('ERR_REGISTRY_CONFLICT', 'writing the pins would have changed more than the pins', {
    file,
    fix: 'Write the image section in plain block style, as docs/reference/registry-yaml.md shows it.',
  });
};
