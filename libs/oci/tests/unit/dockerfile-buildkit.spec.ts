import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PinlaneError } from '@pinlane/contracts';
import { parseDockerfile } from '../../src/index.ts';
import { ExpansionError, expandWord } from '../../src/dockerfile/expand.ts';
import { inTableForm, type BuildkitTable } from '../support/buildkit-table.ts';

const { buildkit, environment, files, words } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../oracles/dockerfile/expected.json'), 'utf8'),
) as BuildkitTable;

const parsed = (text: string): unknown => {
  try {
    return inTableForm(parseDockerfile(text, 'Dockerfile'));
  } catch (error) {
    expect(error).toBeInstanceOf(PinlaneError);
    return null;
  }
};

/** A word with its variables expanded; null if it is refused, undefined if only Docker can expand it. */
const expanded = (text: string, escape: string): string | null | undefined => {
  try {
    return expandWord(text, (name) => (Object.hasOwn(environment, name) ? environment[name] : undefined), escape);
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    return error.unsupported ? undefined : null;
  }
};

describe(`what BuildKit ${buildkit} reads`, () => {
  it('is read of a Dockerfile: its stages, instructions, arguments and here-documents, or nothing', () => {
    expect(files.length).toBeGreaterThan(700);
    const wrong = files.flatMap(({ text, parsed: json }) => {
      const [found, wanted] = [parsed(text), json === null ? null : (JSON.parse(json) as unknown)];
      return JSON.stringify(found) === JSON.stringify(wanted) ? [] : [{ text, found, wanted }];
    });
    expect(wrong).toEqual([]);
  });

  it('is what a word expands to', () => {
    expect(words.length).toBeGreaterThan(300);
    const wrong = words.flatMap(({ text, escape, expanded: wanted }) => {
      const found = expanded(text, escape);
      return found === undefined || found === wanted ? [] : [{ text, escape, found, wanted }];
    });
    expect(wrong).toEqual([]);
  });
});
