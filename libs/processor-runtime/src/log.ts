import type { Redactor } from './redact.ts';

const LEVELS = { debug: 10, info: 20, warn: 30, error: 40 } as const;
export type LogLevel = keyof typeof LEVELS;

/** Fields of one line of the log; any value, errors included. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Structured logging: the name of an event, which does not change, such as `run.done`, and fields. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A log whose lines carry these fields too. */
  with(fields: LogFields): Log;
}

export interface LogOptions {
  readonly service: string;
  readonly env: string;
  readonly redactor: Redactor;
  readonly write: (line: string) => void;
  readonly now: () => Date;
  /** The lowest level that is written; info if absent. */
  readonly level?: LogLevel;
}

const RESERVED = new Set(['ts', 'level', 'event', 'service', 'env']);

/**
 * A log of NDJSON lines that begin with `ts level event service env` (design, section 6). The values of secrets are redacted in every string
 * of a line. No logging library does that here, because those redact only the fields that they are told of.
 */
export const createLog = (options: LogOptions, bound: LogFields = {}): Log => {
  const { service, env, redactor, write, now } = options;
  const least = LEVELS[options.level ?? 'info'];
  const line =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void => {
      if (LEVELS[level] < least) return;
      const more = Object.entries({ ...bound, ...fields }).map(([key, value]) => [RESERVED.has(key) ? `${key}_` : key, value]);
      const safe = redactor.value({ event, service, env, ...Object.fromEntries(more) }) as object;
      const { event: name, ...rest } = safe as { event: string };
      write(`${JSON.stringify({ ts: now().toISOString(), level, event: name, ...rest })}\n`);
    };
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: (fields) => createLog(options, { ...bound, ...fields }),
  };
};

/** Whether a text names a level of the log. */
export const isLogLevel = (text: string): text is LogLevel => Object.hasOwn(LEVELS, text);
