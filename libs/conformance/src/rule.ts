import type { ProcessorResponse } from '@pinlane/contracts';
import type { Session } from './session.ts';

/** A rule of the contract was broken; the message says what was seen. */
export class Violation extends Error {}

/** A rule cannot be judged here; the message says why. */
export class NotJudged extends Error {}

/** One rule of the contract. Its name is stable: reports, and people, refer to it. */
export interface Rule {
  readonly name: string;
  /** What the contract demands, as a sentence. */
  readonly title: string;
  /** Rules without which this one says nothing. */
  readonly needs?: readonly string[];
  /** @throws Violation, NotJudged */
  readonly check: (session: Session) => Promise<void>;
}

export function must(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Violation(message);
}

export const notJudged = (why: string): never => {
  throw new NotJudged(why);
};

const SHOWN = 300;
/** A value for a message, on one line and not too long. */
export const show = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
};

export const textOf = ({ body }: ProcessorResponse): string => Buffer.from(body).toString('utf8');

/** The JSON of an answer. @throws Violation */
export const jsonOf = (response: ProcessorResponse): unknown => {
  try {
    return JSON.parse(textOf(response)) as unknown;
  } catch {
    throw new Violation(`the answer (${response.status}) is not JSON: ${show(textOf(response))}`);
  }
};

/** A member of a value that may be anything. */
export const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined), value);

/** Checks the status and the code of an error answer; its shape has a rule of its own. @throws Violation */
export const mustBeError = (response: ProcessorResponse, status: number, code: string): void => {
  const seen = at(jsonOf(response), 'error', 'code');
  must(response.status === status && seen === code, `expected ${status} ${code}, got ${response.status} ${show(seen ?? textOf(response))}`);
};

/** Checks that a run was carried out. @throws Violation */
export const mustSucceed = (response: ProcessorResponse): void => {
  must(response.status === 200, `expected 200, got ${response.status}: ${show(textOf(response))}`);
  const status = at(jsonOf(response), 'status');
  must(status === 'success', `expected status success, got ${show(status)}`);
};

/** Checks a media type, parameters aside. @throws Violation */
export const mustBeOfType = ({ headers }: ProcessorResponse, mediaType: string): void => {
  const seen = headers['content-type'];
  must(seen?.split(';')[0]?.trim().toLowerCase() === mediaType, `expected the media type ${mediaType}, got ${show(seen ?? 'none')}`);
};
