import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

type Params = Readonly<Record<string, unknown>>;

/** One of each dialect: it compiles the schema of schemas when it is first used, which takes longer than to compile any other. */
const dialects = new Map<typeof Ajv | typeof Ajv2020, Ajv | Ajv2020>();

const compile = (schema: Params): ValidateFunction => {
  const Dialect = String(schema['$schema'] ?? '').includes('draft-07') ? Ajv : Ajv2020;
  // Schemas of several processors may have one $id.
  const ajv = dialects.get(Dialect) ?? formats.default(new Dialect({ allErrors: true, strict: false, useDefaults: true, addUsedSchema: false }));
  dialects.set(Dialect, ajv);
  return ajv.compile(schema);
};

const STRANGER = 'pinlane_conformance_unknown';
/** For nearly every schema of a property, one of these has a wrong type or is out of range. */
const WRONG: readonly unknown[] = [null, { unexpected: true }, [[[]]], false, -1e300, ''];

/** Params that a JSON Schema refuses, as like as possible to params that it takes; undefined if it refuses nothing that is tried. */
export const invalidParams = (schema: Params, valid: Params): Params | undefined => {
  const validate = compile(schema);
  const without = Object.keys(valid).map((key) => Object.fromEntries(Object.entries(valid).filter(([name]) => name !== key)));
  const replaced = Object.keys(valid).flatMap((key) => WRONG.map((wrong) => ({ ...valid, [key]: wrong })));
  const candidates: Params[] = [...without, ...replaced, { ...valid, [STRANGER]: true }, {}];
  return candidates.find((params) => !validate(structuredClone(params)));
};
