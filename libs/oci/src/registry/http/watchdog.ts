/** Aborts a signal when nothing has happened for a while. Unlike a deadline, it lets a slow but steady transfer go on. */
export interface Watchdog {
  readonly signal: AbortSignal;
  readonly idleMs: number;
  /** Whether it has aborted the signal. */
  readonly barked: boolean;
  /** Tells that something happened. */
  pat(): void;
  stop(): void;
}

export const createWatchdog = (idleMs: number): Watchdog => {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), idleMs);
  return {
    signal: controller.signal,
    idleMs,
    get barked() {
      return controller.signal.aborted;
    },
    pat: () => void timer.refresh(),
    stop: () => clearTimeout(timer),
  };
};
