import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gitHubDescription } from '../parts.ts';

const require = createRequire(import.meta.url);

/** The requests that are used; GitHub's description of all of them is 13 MB. */
const PATHS = [
  '/repos/{owner}/{repo}/pulls',
  '/repos/{owner}/{repo}/pulls/{pull_number}',
  '/repos/{owner}/{repo}/actions/runs',
  '/repos/{owner}/{repo}/commits/{ref}/check-runs',
  '/repos/{owner}/{repo}/commits/{ref}/status',
] as const;
export type DescribedPath = (typeof PATHS)[number];

type Fields = Record<string, unknown>;
interface Description extends Fields {
  paths: Fields;
  components: Record<string, Fields>;
}

const fieldsIn = (value: unknown): unknown[] => (typeof value === 'object' && value !== null ? Object.values(value) : []);

/** Every part of a description that some of it refers to, over any number of steps. */
const referredTo = (description: Description): Set<string> => {
  const seen = new Set<string>();
  const walk = (value: unknown): void => {
    const reference = typeof value === 'object' && value !== null ? (value as Fields)['$ref'] : undefined;
    if (typeof reference === 'string' && !seen.has(reference)) {
      seen.add(reference);
      walk(at(description, reference));
    }
    for (const inner of fieldsIn(value)) walk(inner);
  };
  walk(description.paths);
  return seen;
};

/** What a reference leads to. */
const at = (description: Description, reference: string): unknown =>
  reference
    .slice(2)
    .split('/')
    .reduce<unknown>((value, key) => (value as Fields)[key], description);

/** GitHub's own description of its API, cut down to what is used. */
const readDescription = (): Description => {
  const all = JSON.parse(readFileSync(gitHubDescription(), 'utf8')) as Description;
  const { openapi, info } = all;
  const description: Description = { openapi, info, servers: [], paths: Object.fromEntries(PATHS.map((path) => [path, all.paths[path]])), components: {} };
  all.paths = description.paths;
  for (const reference of referredTo(all)) {
    const [, , kind, name] = reference.split('/') as [string, string, string, string];
    (description.components[kind] ??= {})[name] = at(all, reference);
  }
  return description;
};

/** As much of an operation as is read here; to Prism it is more. */
export interface Operation {
  readonly method: string;
  readonly path: string;
}

/** The operations of the API, as Prism understands them, and GitHub's own examples of answers. */
export interface Described {
  readonly operations: readonly Operation[];
  /** The example of a good answer. */
  readonly example: (method: string, path: DescribedPath, status: number) => unknown;
}

/** Reads the description; it takes seconds, so once for many tests. */
export const readDescribed = async (): Promise<Described> => {
  const description = readDescription();
  const { getHttpOperationsFromSpec } = require('@stoplight/prism-http/dist/utils/operations') as {
    getHttpOperationsFromSpec: (spec: object) => Promise<Operation[]>;
  };
  const example: Described['example'] = (method, path, status) => {
    const { responses } = (
      description.paths[path] as Record<string, { responses: Record<string, { content: Record<string, { examples: Record<string, Fields> }> }> }>
    )[method]!;
    const [first] = Object.values(responses[status]!.content['application/json']!.examples);
    const found = typeof first?.['$ref'] === 'string' ? (at(description, first['$ref']) as Fields) : first;
    return structuredClone(found?.['value']);
  };
  return { example, operations: await getHttpOperationsFromSpec(description) };
};
