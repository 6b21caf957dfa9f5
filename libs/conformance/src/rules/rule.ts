import { cutOff, plainLine, type ProcessorResponse } from '@pinlane/contracts';
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
/** A value as a message shows it: on one line, without anything that a terminal obeys, and cut off after {@link SHOWN} characters. */
export const show = (value: unknown): string => plainLine(cutOff(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing'), SHOWN));

const LISTED = 10;
/** Names as a message shows them: the first {@link LISTED}, and how many more there are. */
export const showList = (names: readonly string[]): string =>
  [...names.slice(0, LISTED).map(show), ...(names.length > LISTED ? [`and ${names.length - LISTED} more`] : [])].join(', ');

/** What is wrong with a document, of what its schema says. The whole of it is called `name`. */
export const issuesText = (
  error: { readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[] } | undefined,
  name: string,
) => (error === undefined ? '' : showList(error.issues.map(({ path, message }) => `${path.map(String).join('.') || name}: ${message}`)));

/** The body of an answer as text. */
export const textOf = ({ body }: ProcessorResponse): string => Buffer.from(body).toString('utf8');

/** How deep JSON of a processor may be nested. Whatever looks at a value goes down into it by calling itself. */
const NESTED = 100;

/** Whether a text would be nested deeper than {@link NESTED} if it is JSON; it is not parsed for that. */
const isDeep = (text: string): boolean => {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted && character === '\\') at += 1;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === '[' || character === '{') && (depth += 1) > NESTED) return true;
    else if (!quoted && (character === ']' || character === '}')) depth -= 1;
  }
  return false;
};

/** Parses JSON of a processor; `what` it is, for the message. @throws Violation if it is not JSON, or nested deeper than {@link NESTED} */
export const parseJson = (what: string, text: string): unknown => {
  if (isDeep(text)) throw new Violation(`${what} is nested deeper than ${NESTED} levels`);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Violation(`${what} is not JSON: ${show(text)}`);
  }
};

/** The JSON of an answer. @throws Violation */
export const jsonOf = (response: ProcessorResponse): unknown => parseJson(`the answer (${response.status})`, textOf(response));

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
