import { randomBytes } from 'node:crypto';

const ONCE = 'once-';

/** A key of no earlier task and of no later one: the task runs, and nothing it leaves is ever taken from the cache. */
export const once = (): string => `${ONCE}${randomBytes(24).toString('hex')}`;

/** Whether a key is one of those. */
export const isOnce = (key: string): boolean => key.startsWith(ONCE);
