import { inParallel } from '@pinlane/oci';
import { asPinlaneError, ERROR_CATALOGUE, type Availability, type DoctorCheck, type DoctorGroup, type Problem } from '@pinlane/contracts';

/** What was found of one thing. */
export type Finding =
  | { readonly state: 'ok'; readonly message: string }
  | ({ readonly state: 'missing' | 'unknown'; readonly message: string; readonly fix: string } & Pick<Problem, 'file' | 'line' | 'column'>);

/** One line of the report before it was looked at. */
export interface Check {
  readonly group: DoctorGroup;
  readonly name: string;
  /** What the lane needs it for; null if it does not. */
  readonly needed: string | null;
  /** What it is good for; told as what is lost where the lane does not need it. */
  readonly without: string;
  /** @throws whatever keeps it from being told */
  readonly look: (signal: AbortSignal) => Finding | Promise<Finding>;
}

/** A runtime, or an engine, as it says it of itself. */
export const available = (found: Availability): Finding =>
  found.available ? { state: 'ok', message: found.version } : { state: 'missing', message: found.reason, fix: found.fix };

export const missing = (message: string, fix: string): Finding => ({ state: 'missing', message, fix });

/** What a problem says, as a line. */
export const findingOf = (state: 'missing' | 'unknown', { code, message, fix, file, line, column }: Problem): Finding => ({
  ...{ state, message: `${code}: ${message}`, fix: fix ?? ERROR_CATALOGUE[code].remedy },
  ...(file === undefined ? {} : { file }),
  ...(line === undefined ? {} : { line }),
  ...(column === undefined ? {} : { column }),
});

/** What could not be told, for whatever reason was thrown. */
const unknownOf = (thrown: unknown): Finding => {
  const { problems } = asPinlaneError(thrown);
  const [first] = problems;
  return { ...findingOf('unknown', first!), message: problems.map(({ code, message }) => `${code}: ${message}`).join('; ') } as Finding;
};

/** How long all checks together may take, in ms. */
const LIMIT_MS = 10_000;

const STUCK = 'Find out what it waits for, such as the network, a proxy or a daemon, and run it again.';

/** What a check finds, at the latest when the time is over: what hangs is not known. @throws the signal's reason */
const lookAt = async ({ look }: Check, signal: AbortSignal, over: AbortSignal, limitMs: number): Promise<Finding> => {
  const both = AbortSignal.any([signal, over]);
  let stop = (): void => undefined;
  const ended = new Promise<Finding>((resolve) => {
    stop = () => resolve({ state: 'unknown', message: `there was no answer within ${limitMs / 1000} s`, fix: STUCK });
    if (both.aborted) stop();
    else both.addEventListener('abort', stop, { once: true });
  });
  // What is begun when the time is over is broken off at once, and may hold the process all the same: nobody can break off asking for an address.
  const looking = both.aborted ? ended : (async () => look(both))().catch((thrown: unknown) => (both.aborted ? ended : unknownOf(thrown)));
  const found = await Promise.race([looking, ended]).finally(() => both.removeEventListener('abort', stop));
  signal.throwIfAborted();
  return found;
};

/** How much is looked at at once: a workspace may have a thousand repositories. */
const AT_ONCE = 64;

/** Looks at everything at once, and if it is very much, at the first first. @throws ERR_CANCELLED */
export const lookAtAll = async (checks: readonly Check[], signal: AbortSignal, limitMs = LIMIT_MS): Promise<DoctorCheck[]> => {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), limitMs);
  try {
    return await inParallel(checks, AT_ONCE, async (check): Promise<DoctorCheck> => {
      const { group, name, needed, without } = check;
      const found = await lookAt(check, signal, over.signal, limitMs);
      return { group, name, needed: needed !== null, purpose: needed ?? without, fix: null, ...found };
    });
  } finally {
    clearTimeout(timer);
  }
};
