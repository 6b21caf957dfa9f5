/** Aborts a signal when nothing has happened for a while, when all that came so far came too slowly, or with another signal. A slow but steady transfer goes on. */
export interface Watchdog {
  readonly signal: AbortSignal;
  /** Why it has aborted the signal by itself; undefined if it has not. */
  readonly barked: 'idle' | 'slow' | undefined;
  readonly idleMs: number;
  /** Tells that something happened. */
  pat(): void;
  /** Tells that bytes of an answer came, for which its reader had waited so many ms. They have to come at `SLOWEST` on the whole. */
  came(bytes: number, waitedMs: number): void;
  stop(): void;
}

/** In bytes a second: how fast an answer has to come on the whole, after as long as nothing at all may happen. So its time is bounded by its size. */
export const SLOWEST = 8 * 1024;

/** @param outer aborts its signal, too, until it is stopped */
export const createWatchdog = (idleMs: number, outer?: AbortSignal): Watchdog => {
  const controller = new AbortController();
  let barked: Watchdog['barked'];
  const bark = (why: 'idle' | 'slow'): void => {
    barked ??= why;
    controller.abort();
  };
  const idle = setTimeout(() => bark('idle'), idleMs);
  // AbortSignal.any would do the same, at more than the price of the request.
  const follow = (): void => controller.abort();
  if (outer?.aborted) follow();
  else outer?.addEventListener('abort', follow, { once: true });
  let [waited, size] = [0, 0];
  return {
    signal: controller.signal,
    idleMs,
    get barked() {
      return barked;
    },
    pat: () => void idle.refresh(),
    came(bytes, waitedMs) {
      idle.refresh();
      waited += waitedMs;
      size += bytes;
      if (waited > idleMs + (size / SLOWEST) * 1000) bark('slow');
    },
    stop() {
      clearTimeout(idle);
      outer?.removeEventListener('abort', follow);
    },
  };
};
