import * as z from 'zod';
import type { OptionShape, Verb } from './verb.ts';

/** As much of a JSON Schema as is read here. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
}

/** Nx prints types for `oneOf` and none for `anyOf`; the alternatives of our options exclude each other, so both say the same. */
const withOneOf = (schema: JsonSchema): JsonSchema => {
  const { anyOf, ...rest } = schema;
  return anyOf === undefined ? schema : { ...rest, oneOf: anyOf.map(withOneOf) };
};

const propertiesOf = (shape: OptionShape): Record<string, JsonSchema> => {
  const { properties = {} } = z.toJSONSchema(z.strictObject(shape), { target: 'draft-7', io: 'input' });
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, withOneOf(schema as JsonSchema)]));
};

/** The options of a verb that a person may give, with their JSON Schemas. */
export const optionSchemas = ({ options }: Pick<Verb, 'options'>): Record<string, JsonSchema> => propertiesOf(options);

/** Schemas that together take any value. */
const KINDS: readonly JsonSchema[] = [{ type: ['string', 'number', 'boolean'] }, { type: 'array' }, { type: 'object' }];

const kindOf = ({ type }: JsonSchema): JsonSchema => KINDS.find((kind) => kind.type === type) ?? KINDS[0]!;

/**
 * The schema of an option that says the same, and by which Nx refuses nothing: it looks at the first of `oneOf`, `anyOf` and `type` alone. Of an option that it
 * refuses, Nx 23 tells nothing where it runs many tasks in one process: the process crashes, and all of them fail. So it is left to the verb to say what is wrong.
 */
const leftToVerb = (schema: JsonSchema): JsonSchema => {
  const { oneOf } = schema;
  if (oneOf === undefined) return { ...schema, anyOf: KINDS };
  const [first, ...others] = oneOf.map(kindOf);
  // Each value is to fit one of the alternatives.
  const left = KINDS.filter((kind) => kind === first || !others.includes(kind));
  return { ...schema, oneOf: oneOf.map((each, at) => ({ ...each, anyOf: at === 0 ? left : [kindOf(each)] })) };
};

/**
 * The JSON Schema with which Nx checks an executor's options and prints its --help. Draft 7 and without a root id: Nx follows no other. What the plugin
 * sets for itself is matched by a pattern each, which Nx checks too and neither prints nor completes.
 */
export const executorSchema = ({ name, title, options, internalOptions, batch = false }: Verb): Record<string, unknown> => {
  const schemasOf = (shape: OptionShape): [string, JsonSchema][] =>
    Object.entries(propertiesOf(shape)).map(([option, schema]) => [option, batch ? leftToVerb(schema) : schema]);
  const internal = schemasOf(internalOptions).map(([option, schema]) => [`^${option}$`, schema]);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    version: 2,
    title: `@pinlane/nx:${name}`,
    description: title,
    type: 'object',
    properties: Object.fromEntries(schemasOf(options)),
    ...(internal.length > 0 ? { patternProperties: Object.fromEntries(internal) } : {}),
    additionalProperties: batch ? { not: {}, anyOf: KINDS } : false,
  };
};
