import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { isNode, LineCounter, parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { fail, parseDigest, PinlaneError, pinnedReferenceSchema, type Digest, type Problem } from '@pinlane/contracts';

const MAX_BYTES = 64 * 1024;

/** How many problems of one file are told at most. */
const PROBLEM_LIMIT = 50;

/** A Debian package's name (Debian policy 5.6.1); it can never be taken for an option of apt. */
export const packageNameSchema = z
  .string()
  .max(100)
  .regex(/^[a-z0-9][a-z0-9+.-]+$/, 'expected the name of a Debian package');

/** A release's code name, such as bookworm. */
export const releaseSchema = z
  .string()
  .max(50)
  .regex(/^[a-z][a-z0-9-]*$/, 'expected the code name of a Debian release, such as bookworm');

const unique = (names: readonly string[]): boolean => new Set(names).size === names.length;
const packageList = z.array(packageNameSchema).max(200).refine(unique, 'names a package twice');
const text = z
  .string()
  .max(4096)
  .regex(/^[^\0\n\r]*$/, 'expected one line');

/** The environment and the command of the base, unless its user sets others. */
export const baseConfigSchema = z.strictObject({
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable'), text),
  cmd: z.array(text).min(1).max(50),
});

export const baseDefinitionSchema = z
  .strictObject({
    release: releaseSchema,
    packages: packageList.min(1),
    /** Dependencies that only maintainer scripts need. They are left out, and so is what nothing else needs. */
    without: packageList.default([]),
    node: z
      .string({ error: 'expected a text such as "24" or "24.21.0", in quotes' })
      .regex(/^[0-9]{1,4}(?:\.[0-9]{1,4}){0,2}$/, 'expected 24, 24.21 or 24.21.0'),
    config: baseConfigSchema,
    /** Where this very base was pushed to, for machines without apt. */
    published: pinnedReferenceSchema.optional(),
  })
  .superRefine(({ packages, without }, context) => {
    without.forEach((name, index) => {
      if (packages.includes(name)) context.addIssue({ code: 'custom', path: ['without', index], message: `${name} is in packages too` });
    });
  });
/** What base.yaml says: the input of `update`. */
export type BaseDefinition = z.infer<typeof baseDefinitionSchema>;

const problem = (file: string, message: string, place: { line?: number; column?: number } = {}): Problem => ({
  code: 'ERR_BASE_DEFINITION_INVALID',
  message,
  file,
  ...place,
});

/**
 * Parses base.yaml; all problems at once, each with its line and column.
 * @throws ERR_BASE_DEFINITION_INVALID
 */
export const parseDefinition = (source: string, file = 'base.yaml'): BaseDefinition => {
  if (Buffer.byteLength(source) > MAX_BYTES) throw new PinlaneError(problem(file, `is larger than ${MAX_BYTES} bytes`));
  const lines = new LineCounter();
  const documents = parseAllDocuments(source, { lineCounter: lines, uniqueKeys: true, merge: false, version: '1.2', prettyErrors: false, logLevel: 'error' });
  const [document, second] = Array.isArray(documents) ? documents : [];
  if (document === undefined) throw new PinlaneError(problem(file, 'is empty'));
  if (second !== undefined) throw new PinlaneError(problem(file, 'holds more than one document'));
  const placeOf = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const syntax = [...document.errors, ...document.warnings].slice(0, PROBLEM_LIMIT).map((error) => problem(file, error.message, placeOf(error.pos[0])));
  if (syntax[0]) throw new PinlaneError([syntax[0], ...syntax.slice(1)]);

  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    return fail('ERR_BASE_DEFINITION_INVALID', 'uses aliases, which it may not', { file, cause: error });
  }
  const parsed = baseDefinitionSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.slice(0, PROBLEM_LIMIT).map((issue) => {
    const keys = issue.path.map(String);
    let node: unknown = document.contents;
    for (let length = keys.length; length > 0; length--) {
      const found: unknown = document.getIn(issue.path.slice(0, length), true);
      if (isNode(found)) {
        node = found;
        break;
      }
    }
    const place = isNode(node) && node.range ? placeOf(node.range[0]) : {};
    return problem(file, `${keys.length > 0 ? `${keys.join('.')}: ` : ''}${issue.message}`, place);
  });
  throw new PinlaneError([problems[0] as Problem, ...problems.slice(1)]);
};

/** The digest of what a definition asks for. Comments, the order of names and `published` do not count. */
export const definitionDigest = ({ release, packages, without, node, config }: BaseDefinition): Digest => {
  const asked = { release, packages: [...packages].sort(), without: [...without].sort(), node, config };
  return parseDigest(`sha256:${createHash('sha256').update(canonicalize(asked)!).digest('hex')}`);
};
