import type { ProcessorResponse } from '@pinlane/contracts';
import type { Session } from '../subject/session.ts';

/** Thrown if a rule of the contract is broken; the message says what was seen. */
export class Violation extends Error {}

/** Thrown if a rule cannot be judged here; the message says why. */
export class NotJudged extends Error {}

/** One rule of the contract. Its name never changes, because reports and people refer to it. */
export interface Rule {
  readonly name: string;
  /** What the contract demands, as a sentence. */
  readonly title: string;
  /** The rules that must have passed for this one to be checked. */
  readonly needs?: readonly string[];
  /** @throws Violation, NotJudged */
  readonly check: (session: Session) => Promise<void>;
}

/** Checks what a rule demands. @throws Violation */
export function must(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Violation(message);
}

/** Ends a rule that cannot be judged here. @throws NotJudged */
export const notJudged = (why: string): never => {
  throw new NotJudged(why);
};

const SHOWN = 300;
/** A value as a message shows it: on one line, and cut off after {@link SHOWN} characters. */
export const show = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
};

/** The body of an answer as text. */
export const textOf = ({ body }: ProcessorResponse): string => Buffer.from(body).toString('utf8');

/** The JSON of an answer. @throws Violation */
export const jsonOf = (response: ProcessorResponse): unknown => {
  try {
    return JSON.parse(textOf(response)) as unknown;
  } catch {
    throw new Violation(`the answer (${response.status}) is not JSON: ${show(textOf(response))}`);
  }
};

/** The value at a path in a value of any kind; undefined if there is none. */
export const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined), value);

/** Checks the status and the code of an error answer; the rule error.envelope checks its shape. @throws Violation */
export const mustBeError = (response: ProcessorResponse, status: number, code: string): void => {
  const seen = at(jsonOf(response), 'error', 'code');
  must(response.status === status && seen === code, `expected ${status} ${code}, got ${response.status} ${show(seen ?? textOf(response))}`);
};

/** Checks that a run was answered with success. @throws Violation */
export const mustSucceed = (response: ProcessorResponse): void => {
  must(response.status === 200, `expected 200, got ${response.status}: ${show(textOf(response))}`);
  const status = at(jsonOf(response), 'status');
  must(status === 'success', `expected status success, got ${show(status)}`);
};

/** Checks the media type of an answer, without its parameters. @throws Violation */
export const mustBeOfType = ({ headers }: ProcessorResponse, mediaType: string): void => {
  const seen = headers['content-type'];
  must(seen?.split(';')[0]?.trim().toLowerCase() === mediaType, `expected the media type ${mediaType}, got ${show(seen ?? 'none')}`);
};
