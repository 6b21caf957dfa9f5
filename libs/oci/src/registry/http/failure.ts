import { PinlaneError, type ErrorCode } from '@pinlane/contracts';

/** The error for a registry that can't be reached, or answers that it cannot serve now. */
export class RegistryUnavailable extends PinlaneError {
  /** How long the registry asked to wait, in ms. */
  readonly retryAfterMs: number | undefined;
  /** False if waiting can't help, as with a host that does not exist. */
  readonly worthRetrying: boolean;
  /** Whether nothing came for as long as a registry is waited for, so that each attempt takes that long. */
  readonly silent: boolean;

  constructor(
    message: string,
    options: { retryAfterMs?: number | undefined; worthRetrying?: boolean; silent?: boolean; fix?: string | undefined; cause?: unknown } = {},
  ) {
    const { fix } = options;
    super({ code: 'ERR_REGISTRY_UNAVAILABLE', message, ...(fix === undefined ? {} : { fix }) }, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
    this.worthRetrying = options.worthRetrying ?? true;
    this.silent = options.silent ?? false;
  }
}

/** The body of an error answer (distribution specification, "Error codes"). */
export interface RegistryErrorBody {
  readonly codes: readonly string[];
  /** One line for a person; empty if the body has no text. */
  readonly text: string;
}

const TEXT_LIMIT = 300;

const oneLine = (text: string): string =>
  text
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim()
    .slice(0, TEXT_LIMIT);

/** The text of one entry of the list, or of a whole body that has no list: GitHub's proxies answer with just a `message`. */
const said = ({ code, message }: { code?: unknown; message?: unknown }): string => [code, message].filter((part) => typeof part === 'string').join(': ');

/** Reads an error answer's body, which need not have any known form. */
export const parseErrorBody = (body: string): RegistryErrorBody => {
  try {
    const parsed = JSON.parse(body) as { errors?: unknown; message?: unknown };
    const { errors = [parsed] } = parsed;
    const list = (Array.isArray(errors) ? errors : []).filter((each) => typeof each === 'object' && each !== null) as { code?: unknown; message?: unknown }[];
    const codes = list.map(({ code }) => code).filter((code) => typeof code === 'string');
    return { codes, text: oneLine(list.map(said).join('; ')) };
  } catch {
    return { codes: [], text: body.trimStart().startsWith('<') ? '' : oneLine(body) };
  }
};

/** Statuses of failures that pass: timeouts, a registry that is down, and what proxies in front of it answer then. */
const TEMPORARY_STATUS = new Set([408, 425, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524]);
const TEMPORARY_CODES = new Set(['TOOMANYREQUESTS', 'UNAVAILABLE']);
/** Codes of a failed upload, which is then begun anew. */
const UPLOAD_CODES = new Set(['BLOB_UPLOAD_INVALID', 'BLOB_UPLOAD_UNKNOWN']);

/** Texts by which a 403 means a rate limit rather than a refusal. */
const RATE_LIMIT = /rate.?limit|too ?many ?requests|retry-after|abuse detection/i;

const CODES: Readonly<Record<string, ErrorCode>> = {
  UNAUTHORIZED: 'ERR_REGISTRY_AUTH',
  DENIED: 'ERR_REGISTRY_DENIED',
  BLOB_UNKNOWN: 'ERR_BLOB_UNKNOWN',
  MANIFEST_BLOB_UNKNOWN: 'ERR_BLOB_UNKNOWN',
  MANIFEST_UNKNOWN: 'ERR_MANIFEST_UNKNOWN',
  MANIFEST_INVALID: 'ERR_MANIFEST_INVALID',
  DIGEST_INVALID: 'ERR_DIGEST_MISMATCH',
  SIZE_INVALID: 'ERR_DIGEST_MISMATCH',
};

/**
 * The error code for an unexpected answer; ERR_REGISTRY_UNAVAILABLE if the failure passes. The body counts before the status, because some registries answer
 * 403 for rate limits. `missing` is the code for status 404; `comesBack` tells whether the answer names a time to come back at.
 */
export const classify = (status: number, { codes, text }: RegistryErrorBody, missing: ErrorCode, comesBack = false): ErrorCode => {
  const limited = status === 403 && (comesBack || RATE_LIMIT.test(text));
  const passes = limited || codes.some((code) => TEMPORARY_CODES.has(code) || UPLOAD_CODES.has(code));
  if (passes || TEMPORARY_STATUS.has(status)) return 'ERR_REGISTRY_UNAVAILABLE';
  if (status === 401) return 'ERR_REGISTRY_AUTH';
  if (status === 403) return 'ERR_REGISTRY_DENIED';
  // For a manifest whose blob is missing, Docker's registry sends DIGEST_INVALID too. The missing blob counts, because sending it again mends that.
  const known = codes.find((code) => CODES[code] === 'ERR_BLOB_UNKNOWN') ?? codes.find((code) => Object.hasOwn(CODES, code));
  if (known !== undefined) return CODES[known]!;
  return status === 404 ? missing : 'ERR_REGISTRY_PROTOCOL';
};

/** A Retry-After header in ms (RFC 9110, section 10.2.3), given as seconds or a date; undefined if it is neither. `now` in ms since the epoch. */
export const parseRetryAfter = (header: string | null, now: number): number | undefined => {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header.trim()) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
};

/** Units of a duration, in ms. */
const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * The wait that an error's body asks for, in ms; undefined if it asks for none. GitHub's registry sends it only in the body, in Go's form of a duration:
 * `retry-after: 575.345µs, allowed: 44000/minute`.
 */
export const retryAfterIn = (body: string): number | undefined => {
  const duration = /retry-after["']?\s*[:=]?\s*["']?((?:\d{1,9}(?:\.\d{1,12})?(?:ns|us|µs|μs|ms|s|m|h))+)/i.exec(body)?.[1];
  if (duration === undefined) return undefined;
  const parts = duration.matchAll(/([\d.]+)([a-zµμ]+)/gi);
  return Math.ceil([...parts].reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit!.toLowerCase()] ?? 0), 0));
};
