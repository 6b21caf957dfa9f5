import { ARCHITECTURES, processorSpecSchema, type Problem, type ProcessorSpec } from '@pinlane/contracts';
import type { z } from 'zod';
import { knownKeys, nearest } from './known-keys.ts';
import { nodeAt, placeOf, type YamlPath } from './places.ts';
import { parseYaml, throwAll, type YamlSource } from './syntax.ts';

/** A valid registry.yaml: its content, and the place of each value. */
export interface ParsedSpec {
  readonly spec: ProcessorSpec;
  readonly source: YamlSource;
  /** Line and column, from 1, of the value at a path. */
  place(path: YamlPath): { readonly line: number; readonly column: number };
}

/** How many problems of one file are reported at most. */
const PROBLEM_LIMIT = 50;

const shown = (path: YamlPath): string => path.map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`)).join('');

const unknownKeys = (source: YamlSource, issue: z.core.$ZodIssueUnrecognizedKeys): Problem[] => {
  const path = issue.path as YamlPath;
  return issue.keys.slice(0, PROBLEM_LIMIT).map((key) => {
    const meant = nearest(key, knownKeys(path));
    return {
      code: 'ERR_REGISTRY_INVALID',
      file: source.file,
      ...placeOf(source, [...path, key], 'key'),
      message: `${shown([...path, key]).slice(0, 200)} is not a known key`,
      fix: meant === undefined ? `Remove it; known here are ${knownKeys(path).join(', ')}.` : `Did you mean ${meant}?`,
    };
  });
};

const problemsOf = (source: YamlSource, error: z.ZodError): Problem[] =>
  // No more of them are looked for in the text than are told: each takes a search.
  error.issues.slice(0, PROBLEM_LIMIT).flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return unknownKeys(source, issue);
    const path = issue.path as YamlPath;
    const missing = path.length > 0 && nodeAt(source, path) === undefined;
    const message = missing ? `${shown(path)} is missing` : `${shown(path)}: ${issue.message}`;
    return [{ code: 'ERR_REGISTRY_INVALID', file: source.file, ...placeOf(source, path), message } satisfies Problem];
  });

/** The old form `image.oci: <reference>`, which named one image for all platforms. */
const oldForm = (source: YamlSource): Problem[] => {
  const oci = nodeAt(source, ['image', 'oci']);
  if (oci === undefined) return [];
  return [
    {
      code: 'ERR_REGISTRY_OLD_FORM',
      file: source.file,
      ...placeOf(source, ['image', 'oci'], 'key'),
      message: 'image.oci names one image for every platform, and pins are kept for each',
      fix: `Replace the line by \`platforms: {}\` and run the pin target; or write platforms: { ${ARCHITECTURES.map((each) => `${each}: <repository>@sha256:…`).join(', ')} }.`,
    },
  ];
};

/**
 * Parses registry.yaml and fills in every default. All problems are reported together, each with its line and column.
 * @throws ERR_REGISTRY_TOO_LARGE, ERR_REGISTRY_SYNTAX, ERR_REGISTRY_INVALID, ERR_REGISTRY_OLD_FORM
 */
export const parseSpec = (text: string, { file }: { readonly file: string }): ParsedSpec => {
  const source = parseYaml(text, file);
  const parsed = processorSpecSchema.safeParse(source.document.toJS({ maxAliasCount: 0 }));
  const old = oldForm(source);
  const problems = parsed.success ? [] : problemsOf(source, parsed.error);
  throwAll([...old, ...(old.length > 0 ? problems.filter(({ message }) => !message.startsWith('image.oci ')) : problems)].slice(0, PROBLEM_LIMIT));
  return { spec: (parsed as { data: ProcessorSpec }).data, source, place: (path) => placeOf(source, path) };
};
