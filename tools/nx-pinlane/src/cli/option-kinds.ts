import type { JsonSchema } from '../command/json-schema.ts';

/** The types that an option's value may have: several, if one of Docker's options may come alone, as a list or as a mapping. */
export const typesOf = ({ type, oneOf }: JsonSchema): readonly string[] => oneOf?.flatMap(typesOf) ?? [type ?? []].flat();

export const isBoolean = (schema: JsonSchema): boolean => typesOf(schema).every((type) => type === 'boolean');
export const isList = (schema: JsonSchema): boolean => typesOf(schema).includes('array');
export const isMapping = (schema: JsonSchema): boolean => typesOf(schema).every((type) => type === 'object');
export const isNumber = (schema: JsonSchema): boolean => typesOf(schema).some((type) => type === 'number' || type === 'integer');

/** Whether it may stand alone, or have a value after `=`. */
export const mayStandAlone = (schema: JsonSchema): boolean => typesOf(schema).includes('boolean') && !isBoolean(schema);
