import * as z from './zod.ts';
import { REF_MAX_LENGTH, REF_PATTERN } from './ref-pattern.ts';

/** A processor's name and major version, `namespace/name@major`. */
export const refSchema = z
  .string()
  .max(REF_MAX_LENGTH, `a ref has at most ${REF_MAX_LENGTH} characters`)
  .regex(REF_PATTERN, 'expected namespace/name@major in lower-case letters, digits and single hyphens')
  .brand<'Ref'>();
export type Ref = z.infer<typeof refSchema>;

/** The parts of a ref; the slug (`namespace-name`) is also the Nx project's name. */
export const refParts = (ref: Ref): { namespace: string; name: string; major: number; slug: string } => {
  const [, namespace, name, major] = REF_PATTERN.exec(ref) as unknown as [string, string, string, string];
  return { namespace, name, major: Number(major), slug: `${namespace}-${name}` };
};

/** `llm/litellm@1` -> `llm-litellm`. */
export const slugOf = (ref: Ref): string => refParts(ref).slug;
