import canonicalize from 'canonicalize';
import { fail, isPinlaneError } from '@pinlane/contracts';
import { parseSpec } from '../spec/parse.ts';
import { parseYaml, type YamlSource } from '../spec/syntax.ts';
import { commentsIn } from './comments.ts';
import type { PinEdit } from './plan.ts';
import type { Edit } from './splice/model.ts';
import { splice } from './splice/splice.ts';

type Json = Record<string, unknown>;

const withValue = (value: unknown, [key, ...rest]: readonly string[], leaf: string | null): unknown =>
  key === undefined ? leaf : { ...(value as Json | null), [key]: withValue((value as Json | null)?.[key], rest, leaf) };

const isSame = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((each, at) => each === b[at]);

/** Of a file in which edits are to be proven. */
interface Proof {
  readonly file: string;
  /** Parses a text as strictly as whoever reads the file. */
  readonly parse: (text: string) => YamlSource;
  /** What to do if the edits can't be made. */
  readonly fix: string;
}

/**
 * Writes edits into the text of a YAML file. Comments, order, quotes, blank lines and line endings stay. The result is parsed again, to prove that the
 * values are what was asked for, that nothing else changed, and that every comment is still there. Without edits the text stays the same.
 * @throws ERR_REGISTRY_CONFLICT if the proof fails, and what parsing the text throws
 */
const applyEdits = (text: string, edits: readonly Edit[], { file, parse, fix }: Proof): string => {
  if (edits.length === 0) return text;
  // The content as it is written, without defaults.
  const raw = (each: string): unknown => parse(each).document.toJS({ maxAliasCount: 0 });
  const before = raw(text);
  const expected = edits.reduce<unknown>((value, { path, value: leaf }) => withValue(value, path, leaf), before);
  try {
    // `splice` parses what it has written before it goes on. An error in there names a place that is not in the user's file, so it is only the cause of the one that is thrown.
    const written = splice(text, edits, file);
    const isProven = canonicalize(raw(written)) === canonicalize(expected) && isSame(commentsIn(written), commentsIn(text));
    if (isProven) return written;
  } catch (cause) {
    if (!isPinlaneError(cause)) throw cause;
    return fail('ERR_REGISTRY_CONFLICT', 'the pins could not be written without changing the rest of the file', { file, fix, cause });
  }
  return fail('ERR_REGISTRY_CONFLICT', 'writing the pins would have changed more than the pins', { file, fix });
};

/** Writes pins into the text of a registry.yaml, with proof. @throws ERR_REGISTRY_CONFLICT if the proof fails, and the codes of parseSpec */
export const applyPins = (text: string, edits: readonly PinEdit[], { file }: { readonly file: string }): string =>
  applyEdits(text, edits, {
    file,
    parse: (each) => parseSpec(each, { file }).source,
    fix: 'Write the image section in plain block style, as docs/reference/registry-yaml.md shows it.',
  });

/** Writes the place where a base was pushed to into the text of its base.yaml, with proof. @throws ERR_REGISTRY_CONFLICT if the proof fails, ERR_REGISTRY_SYNTAX */
export const applyPublished = (text: string, reference: string | null, { file }: { readonly file: string }): string =>
  applyEdits(text, [{ path: ['published'], value: reference }], {
    file,
    parse: (each) => parseYaml(each, file),
    fix: 'Write the file in plain block style, or write `published: repository@sha256:…` by hand.',
  });
