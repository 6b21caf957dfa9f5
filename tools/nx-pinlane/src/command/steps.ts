/** What one of several tasks on one output is doing, told to a person: each step replaces the one before. All times in ms. */
export interface Steps {
  /** A new step begins. */
  readonly begin: (line: string) => void;
  /** Something else was written: what stands there says that work goes on. */
  readonly wrote: () => void;
  /** The work is over; nothing more is told. */
  readonly end: () => void;
}

/** A step that lasts so long is worth a line. */
const SLOW_MS = 1_000;
/** One line of so many short steps is told. */
const BETWEEN_MS = 3_000;
/** A step that goes on is told again after this time, and each time after twice as long. */
const AGAIN_MS = 10_000;

interface Step {
  readonly line: string;
  readonly since: number;
  /** How often it was told. */
  readonly told: number;
}

const elapsed = (ms: number): string => `${Math.round(ms / 1000)} s`;

/**
 * Tells, on an output that keeps every line (a pipe, a log), what takes longer than a second: a step that lasts that long, one line every three seconds of
 * steps that are shorter, and again a step that goes on, with the time it has taken.
 * @param every whether each step is told as it begins, as who looks for a fault wants it
 * @param first what is told if the work names no step
 */
export const createSteps = (print: (line: string) => void, { every, first }: { readonly every: boolean; readonly first: string }): Steps => {
  let quietSince = performance.now();
  // The first line comes when the work has taken a second, however short its steps are.
  let latest = quietSince + SLOW_MS;
  let step: Step | null = { line: first, since: quietSince, told: 0 };
  let timer: NodeJS.Timeout | undefined;

  const tell = (): void => {
    if (step === null) return;
    const lasted = performance.now() - step.since;
    print(step.told === 0 ? step.line : `${step.line} (${elapsed(lasted)})`);
    step = { ...step, told: step.told + 1 };
    wrote();
  };
  const due = ({ since, told }: Step): number =>
    told === 0 ? Math.max(quietSince + SLOW_MS, Math.min(since + SLOW_MS, latest)) : since + AGAIN_MS * 2 ** (told - 1);
  const wait = (): void => {
    clearTimeout(timer);
    if (step !== null) timer = setTimeout(tell, Math.max(0, due(step) - performance.now())).unref();
  };
  const wrote = (): void => {
    quietSince = performance.now();
    latest = quietSince + BETWEEN_MS;
    wait();
  };
  wait();

  return {
    begin(line) {
      if (step === null) return;
      step = { line, since: performance.now(), told: 0 };
      if (every) tell();
      else wait();
    },
    wrote,
    end() {
      step = null;
      clearTimeout(timer);
    },
  };
};
