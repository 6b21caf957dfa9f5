/** How long Modal is waited for, in ms. Its own clients would wait for a minute and more, or for ever. */
export const LIMITS = {
  /** One call. The API being down is told within 10 s, so that this leaves room for the rest of a command. */
  callMs: 7_000,
  /** One command of the Python client that only reads. On a busy machine its start alone takes seconds, so that an API that is down is noticed by other means. */
  readMs: 30_000,
  /** One command of the Python client that changes something; an API that goes away in the middle is noticed earlier. */
  writeMs: 120_000,
  /** The build of an image object: Modal pulls the image meanwhile. */
  buildMs: 15 * 60_000,
  /** One call of a build: its stream is joined anew every 55 s. */
  joinMs: 90_000,
  /** How often the API is asked for a sign of life while the Python client or a build is waited for. */
  watchMs: 1_500,
  /** All that is observed of the apps of an environment. */
  observeMs: 60_000,
} as const;
