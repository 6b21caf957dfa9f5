import { fail, isPinlaneError, PinlaneError, redactText, type ErrorCode } from '@pinlane/contracts';

/** Status codes of gRPC (gRPC, "Status codes and their use"). */
const STATUS = {
  cancelled: 1,
  unknown: 2,
  invalid: 3,
  late: 4,
  notFound: 5,
  exists: 6,
  denied: 7,
  exhausted: 8,
  precondition: 9,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
};

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  [STATUS.denied]: 'ERR_HOSTING_AUTH',
  [STATUS.unauthenticated]: 'ERR_HOSTING_AUTH',
  [STATUS.unavailable]: 'ERR_HOSTING_UNAVAILABLE',
  [STATUS.late]: 'ERR_HOSTING_UNAVAILABLE',
  [STATUS.cancelled]: 'ERR_HOSTING_UNAVAILABLE',
  [STATUS.internal]: 'ERR_HOSTING_UNAVAILABLE',
  [STATUS.exhausted]: 'ERR_HOSTING_UNAVAILABLE',
};

interface Thrown {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly details?: unknown;
  readonly message?: unknown;
}

/** Whether Modal said that it has no such thing. */
export const isNotFound = (thrown: unknown): boolean => {
  const { name, code } = (thrown ?? {}) as Thrown;
  return name === 'NotFoundError' || code === STATUS.notFound;
};

const textOf = ({ details, message }: Thrown): string => String(details || message || 'no reason given');

/** The code for what a client said in words only. */
const codeOfText = (text: string): ErrorCode => {
  if (/missing credentials|token (?:id|secret|validation|missing)|unauthenticated|authenticat|\bcredentials\b/i.test(text)) return 'ERR_HOSTING_AUTH';
  if (/Environment '[^']*' not found/i.test(text)) return 'ERR_HOSTING_ENVIRONMENT';
  if (/could not connect|connection (?:lost|refused|reset)|deadline|timed out|unavailable/i.test(text)) return 'ERR_HOSTING_UNAVAILABLE';
  return 'ERR_HOSTING_REFUSED';
};

/**
 * An error for what the SDK threw: what was being done, and what Modal said of it, without any of the values given.
 * @param what what was being done, such as `reading the environment staging`
 */
export const failureOf = (thrown: unknown, what: string, secrets: readonly string[], instead?: ErrorCode): PinlaneError => {
  if (isPinlaneError(thrown)) return thrown;
  const error = (thrown ?? {}) as Thrown;
  if (error.name === 'AbortError') return new PinlaneError({ code: 'ERR_HOSTING_UNAVAILABLE', message: `Modal did not answer in time while ${what}` });
  const text = redactText(textOf(error), secrets).slice(0, 2_000);
  const code = (typeof error.code === 'number' ? BY_STATUS[error.code] : undefined) ?? instead ?? codeOfText(text);
  const said = error.code === STATUS.unavailable ? 'Modal did not answer while' : 'Modal, while';
  return new PinlaneError({ code, message: `${said} ${what}: ${text}` });
};

/** What the Python client printed of an error, without the frame that it draws around it. */
const unframed = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.replace(/^[\s│╭╰─╮╯]+|[\s│╭╰─╮╯]+$/gu, ''))
    .filter((line) => line !== '' && line !== 'Error')
    .join(' ');

/** @throws ERR_HOSTING_… for what a command of the Python client ended with; never returns */
export const failOfText = (output: string, what: string, secrets: readonly string[]): never => {
  const text = unframed(redactText(output, secrets)).slice(-2_000) || 'it said nothing';
  return fail(codeOfText(text), `Modal, while ${what}: ${text}`);
};
