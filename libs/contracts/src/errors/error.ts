import { ERROR_CATALOGUE, type ErrorCode } from './catalogue.ts';
import { redactText } from './redact.ts';

/** A place in a file; line and column count from 1. */
export interface SourcePlace {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** One fault, its place, and its remedy. */
export interface Problem extends SourcePlace {
  readonly code: ErrorCode;
  readonly message: string;
  /** What to do; the catalogue's remedy if absent. */
  readonly fix?: string;
}

const placeOf = ({ file, line, column }: SourcePlace): string => {
  const numbers = [line, column].filter((n) => n !== undefined).join(':');
  return [file, numbers].filter(Boolean).join(':');
};

/** Two lines for a person: `code: place: what happened`, then `fix: what to do`. */
export const formatProblem = (problem: Problem): string => {
  const place = placeOf(problem);
  return `${problem.code}: ${place ? `${place}: ` : ''}${problem.message}\nfix: ${problem.fix ?? ERROR_CATALOGUE[problem.code].remedy}`;
};

/** A problem without the logins that may be in what it quotes. */
const withoutLogins = ({ message, fix, ...rest }: Problem): Problem => ({
  ...rest,
  message: redactText(message),
  ...(fix === undefined ? {} : { fix: redactText(fix) }),
});

/** The only error class. It carries every problem that was found, not only the first, and the code of the first; no login is in its text. */
export class PinlaneError extends Error {
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];

  constructor(problems: Problem | readonly [Problem, ...Problem[]], options?: { cause?: unknown }) {
    const all = (Array.isArray(problems) ? (problems as readonly Problem[]) : [problems as Problem]).map(withoutLogins);
    super(all.map(formatProblem).join('\n'), options);
    this.name = 'PinlaneError';
    this.code = (all[0] as Problem).code;
    this.problems = all;
  }

  /** 2 if all problems are verdicts, else 1: an error outweighs a verdict. */
  get exitCode(): 1 | 2 {
    return this.problems.every(({ code }) => ERROR_CATALOGUE[code].exitCode === 2) ? 2 : 1;
  }

  get retryable(): boolean {
    return ERROR_CATALOGUE[this.code].retryable;
  }
}

/** Throws a {@link PinlaneError} with one problem. */
export const fail = (code: ErrorCode, message: string, more: Omit<Problem, 'code' | 'message'> & { cause?: unknown } = {}): never => {
  const { cause, ...place } = more;
  throw new PinlaneError({ code, message, ...place }, cause === undefined ? undefined : { cause });
};

/** Whether a thrown value is a {@link PinlaneError}, with the given code if one is given. */
export const isPinlaneError = (value: unknown, code?: ErrorCode): value is PinlaneError =>
  value instanceof PinlaneError && (code === undefined || value.code === code);
