import { createHash } from 'node:crypto';
import { fail, quoted } from '@pinlane/contracts';
import { valueOf } from '../command/environment.ts';

/** One of several runners that share the processors among them. */
export interface Part {
  /** From 1. */
  readonly own: number;
  readonly of: number;
}

const PARTS_AT_MOST = 256;

/** The part of this runner, from PINLANE_PART; null if it has all. @throws ERR_OPTION_INVALID */
export const partIn = (env: Readonly<Record<string, string | undefined>>): Part | null => {
  const text = valueOf(env, 'PINLANE_PART');
  if (text === undefined) return null;
  const [own, of] = (/^(\d{1,3})\/(\d{1,3})$/.exec(text) ?? []).slice(1).map(Number);
  if (own === undefined || of === undefined || own < 1 || own > of || of > PARTS_AT_MOST)
    return fail('ERR_OPTION_INVALID', `PINLANE_PART is ${quoted(text)}; it takes a part and how many there are, such as 2/4, of ${PARTS_AT_MOST} at most`);
  return { own, of };
};

/** The part that a project belongs to: its name alone decides, so that every runner says the same, whatever else it has to do. */
export const partOf = (project: string, of: number): number => (createHash('sha256').update(project).digest().readUInt32BE() % of) + 1;
