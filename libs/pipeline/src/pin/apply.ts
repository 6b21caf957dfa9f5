import canonicalize from 'canonicalize';
import { fail, isPinlaneError } from '@pinlane/contracts';
import { parseSpec } from '../spec/parse.ts';
import type { PinEdit } from './plan.ts';
import { splice } from './splice/splice.ts';

type Json = Record<string, unknown>;

const withValue = (value: unknown, [key, ...rest]: readonly string[], leaf: string | null): unknown =>
  key === undefined ? leaf : { ...(value as Json | null), [key]: withValue((value as Json | null)?.[key], rest, leaf) };

/** What the document holds, as written: no defaults filled in. */
const raw = (text: string, file: string): unknown => parseSpec(text, { file }).source.document.toJS({ maxAliasCount: 0 });

/**
 * Writes pins into the text of a registry.yaml as a splice: comments, order, quotes, blank lines and line endings stay, and the result is
 * parsed again to prove that the pins are what was asked and nothing else moved. No edits, no change.
 * @throws ERR_REGISTRY_CONFLICT where the proof fails, and the codes of parseSpec
 */
export const applyPins = (text: string, edits: readonly PinEdit[], { file }: { readonly file: string }): string => {
  if (edits.length === 0) return text;
  const before = raw(text, file);
  const expected = edits.reduce<unknown>((value, { path, value: leaf }) => withValue(value, path, leaf), before);
  try {
    // Each insertion is parsed for the next one: what is wrong there is at no place of the file that its owner has.
    const written = splice(text, edits, file);
    if (canonicalize(raw(written, file)) === canonicalize(expected)) return written;
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
