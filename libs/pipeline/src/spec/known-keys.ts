import { processorSpecSchema } from '@pinlane/contracts';
import type { YamlPath } from './places.ts';

type Definition = {
  readonly type: string;
  readonly innerType?: Schema;
  readonly element?: Schema;
  readonly in?: Schema;
  readonly valueType?: Schema;
  readonly shape?: Record<string, Schema>;
};
type Schema = { readonly def: Definition };

const unwrap = (schema: Schema): Schema => {
  const inner = schema.def.innerType ?? schema.def.in;
  return inner === undefined ? schema : unwrap(inner);
};

const step = (schema: Schema | undefined, key: string | number): Schema | undefined => {
  if (schema === undefined) return undefined;
  const { shape, element, valueType } = unwrap(schema).def;
  return shape?.[key] ?? element ?? valueType;
};

/** The keys that registry.yaml may have at a path. */
export const knownKeys = (path: YamlPath): string[] => {
  const schema = path.reduce<Schema | undefined>(step, processorSpecSchema as unknown as Schema);
  return Object.keys(schema === undefined ? {} : (unwrap(schema).def.shape ?? {}));
};

/** Levenshtein's distance: how many letters must at least be added, dropped or changed. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length] as number;
};

/** The known word that was probably meant; undefined if none is near. */
export const nearest = (word: string, known: readonly string[]): string | undefined => {
  const short = word.slice(0, 40);
  const [best] = known.map((each) => ({ each, far: distance(short.toLowerCase(), each) })).sort((a, b) => a.far - b.far);
  return best !== undefined && best.far <= Math.max(2, Math.floor(best.each.length / 3)) ? best.each : undefined;
};
