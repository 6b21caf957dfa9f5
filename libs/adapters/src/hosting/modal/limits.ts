/** How long Modal is waited for, in ms. Its own clients would wait for a minute and more, or for ever. */
export const LIMITS = {
  /** One call. The API being down is told within 10 s, so that this leaves room for the rest of a command. */
  callMs: 7_000,
  /** One command of the Python client that only reads; its start alone takes a second or two. */
  readMs: 8_000,
  /** One command of the Python client that changes something; an API that goes away in the middle is noticed earlier. */
  writeMs: 120_000,
  /** The build of an image object: Modal pulls the image meanwhile. */
  buildMs: 15 * 60_000,
  /** One call of a build: its stream is joined anew every 55 s. */
  joinMs: 90_000,
  /** How often the API is asked for a sign of life while a long command runs. */
  watchMs: 2_000,
  /** All that is observed of the apps of an environment. */
  observeMs: 60_000,
} as const;
