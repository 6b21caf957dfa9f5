import { fail } from '@pinlane/contracts';

/**
 * That a package is what the lock calls it: its bytes have the digest that the lock names, so the lock contradicts itself where they don't agree, and
 * the image would claim what is not in it.
 * @throws ERR_BASE_LOCK_INVALID
 */
export const requireLocked = (locked: string, actual: string): void => {
  if (locked !== actual) fail('ERR_BASE_LOCK_INVALID', `the lock says ${locked}, and the package with its digest is ${JSON.stringify(actual.slice(0, 200))}`);
};
