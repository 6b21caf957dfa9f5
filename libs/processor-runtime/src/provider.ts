import { setTimeout as delay } from 'node:timers/promises';
import { ProcessorError } from './errors.ts';

export interface ProviderRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** The run's signal. */
  readonly signal: AbortSignal;
  /** How often a request that was turned away is sent again; twice if absent. */
  readonly retries?: number;
}

// With these statuses a service says that it did not begin the work, so even a POST may be sent again.
const TURNED_AWAY = new Set([429, 503]);
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const QUOTED = 500;

/** How long to wait before the next try: as long as Retry-After says, else twice as long each time. */
export const retryDelay = (attempt: number, retryAfter: string | null, now: number): number => {
  const seconds = Number(retryAfter ?? Number.NaN);
  const date = Date.parse(retryAfter ?? '');
  const wanted = retryAfter !== null && Number.isFinite(seconds) ? seconds * 1000 : Number.isFinite(date) ? date - now : FIRST_WAIT_MS * 2 ** attempt;
  return Math.min(Math.max(wanted, 0), LONGEST_WAIT_MS);
};

const failed = (url: URL, why: string, cause?: unknown): ProcessorError => new ProcessorError('ERR_PROVIDER', `${url.host} ${why}`, { cause });

/** Turns an error of `fetch`, or of reading a body, into ERR_PROVIDER; the abort of the run itself stays what it is. */
export const asProviderError = (url: URL, error: unknown, signal: AbortSignal): unknown => {
  if (signal.aborted || error instanceof ProcessorError) return error;
  const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  return failed(url, `did not answer: ${cause?.code ?? cause?.message ?? message}`, error);
};

/**
 * Asks a service over HTTP, and asks again after a while if it answers 429 or 503. The answer has a 2xx status, and its body is not read yet.
 * @throws ERR_PROVIDER if the service cannot be reached, or answers with another status; the message then quotes the start of its body
 */
export const askProvider = async (url: URL, { method = 'GET', headers = {}, json, signal, retries = 2 }: ProviderRequest): Promise<Response> => {
  const init: RequestInit = { method, signal, redirect: 'error', headers: json === undefined ? headers : { ...headers, 'content-type': 'application/json' } };
  if (json !== undefined) init.body = JSON.stringify(json);
  try {
    for (let attempt = 0; ; attempt += 1) {
      const response = await fetch(url, init);
      if (response.ok) return response;
      const body = (await response.text()).slice(0, QUOTED);
      if (!TURNED_AWAY.has(response.status) || attempt >= retries) throw failed(url, `answered ${response.status}: ${body}`);
      await delay(retryDelay(attempt, response.headers.get('retry-after'), Date.now()), undefined, { signal });
    }
  } catch (error) {
    throw asProviderError(url, error, signal);
  }
};

/** Reads the body of an answer as a JSON object. @throws ERR_PROVIDER if it is none */
export const readJsonObject = async (url: URL, response: Response, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> => {
  const text = await response.text().catch((error: unknown) => {
    throw asProviderError(url, error, signal);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw failed(url, 'answered with what is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw failed(url, 'answered with JSON that is not an object');
  return value as Readonly<Record<string, unknown>>;
};
