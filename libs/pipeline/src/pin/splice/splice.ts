import { parseYaml } from '../../spec/syntax.ts';
import { insertionFor } from './insert.ts';
import type { Edit, Splice } from './model.ts';
import { replacementFor } from './replace.ts';

const apply = (text: string, { from, to, text: replacement }: Splice): string => `${text.slice(0, from)}${replacement}${text.slice(to)}`;

/**
 * Writes edits into a document's text and touches no other byte. Values that are there are replaced first, all by the places of one parse, from the last
 * to the first, so that no replacement moves the place of another. An insertion moves places, so the text is parsed anew before each; there is one for all
 * that lies below a key that is missing. The result is not proven yet: `applyPins` does that.
 */
export const splice = (text: string, edits: readonly Edit[], file: string): string => {
  const source = parseYaml(text, file);
  const planned = edits.map((edit) => ({ edit, replacement: replacementFor(source, edit) }));
  const replaced = planned
    .flatMap(({ replacement }) => replacement ?? [])
    .sort((a, b) => b.from - a.from)
    .reduce(apply, text);
  let current = replaced;
  let missing: readonly Edit[] = planned.flatMap(({ edit, replacement }) => (replacement === null ? [edit] : []));
  for (let [first, ...others] = missing; first !== undefined; [first, ...others] = missing) {
    const { splice: insertion, left } = insertionFor(parseYaml(current, file), [first, ...others]);
    current = apply(current, insertion);
    missing = left;
  }
  return current;
};
