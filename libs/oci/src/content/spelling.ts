import type * as z from 'zod';

/**
 * A key as Go's encoding/json compares it if there is no field of its very spelling: letters that differ in case alone are equal, and so are the long s (ſ)
 * and s, and the Kelvin sign and k.
 */
export const folded = (key: string): string => key.toLowerCase().toUpperCase();

/** The parts of a schema that tell which keys there are. */
interface Def {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly element?: z.core.$ZodType;
  readonly innerType?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly items?: readonly z.core.$ZodType[];
}

/** The schema of a value itself, without what says that it may be missing or is changed afterwards. */
const bare = (schema: z.core.$ZodType | undefined): Def | undefined => {
  let def = schema?._zod.def as Def | undefined;
  for (let inner = def?.innerType ?? def?.in; inner !== undefined; inner = def?.innerType ?? def?.in) def = inner._zod.def as Def;
  return def;
};

/** A key that some readers take for another, and where it is. */
export interface Misspelt {
  readonly path: readonly (string | number)[];
  readonly key: string;
  /** What it may be taken for. */
  readonly for: string;
}

/** The first key of an object that is equal but for case to a field of its schema, or to another key. */
const misspeltIn = (value: object, shape: Readonly<Record<string, unknown>>): { readonly key: string; readonly for: string } | undefined => {
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(shape, key));
  if (unknown.length === 0) return undefined;
  const seen = new Map(Object.keys(shape).map((key) => [folded(key), key]));
  for (const key of unknown) {
    const other = seen.get(folded(key));
    if (other !== undefined) return { key, for: other };
    seen.set(folded(key), key);
  }
  return undefined;
};

/**
 * Finds a key by which a document has two faces: Go's readers take `Config` for the field `config`, and readers in other languages do not see it. Fields are
 * those that the schema names; where it has a record, as of annotations and labels, keys are anybody's and only compared as they are.
 */
export const findMisspelt = (value: unknown, schema?: z.core.$ZodType): Misspelt | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const def = bare(schema);
  if (Array.isArray(value)) {
    for (const [at, each] of value.entries()) {
      const found = findMisspelt(each, def?.element ?? def?.items?.[at]);
      if (found) return { ...found, path: [at, ...found.path] };
    }
    return undefined;
  }
  const shape = def?.shape ?? {};
  const own = def?.type === 'record' ? undefined : misspeltIn(value, shape);
  if (own) return { path: [], ...own };
  for (const [key, each] of Object.entries(value)) {
    const found = findMisspelt(each, Object.hasOwn(shape, key) ? shape[key] : undefined);
    if (found) return { ...found, path: [key, ...found.path] };
  }
  return undefined;
};
