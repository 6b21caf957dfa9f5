import type { Digest } from '@pinlane/contracts';
import { readDefinition, readLock } from './inputs.ts';
import { findKept } from './kept-image.ts';
import { recordedImage } from './lock/lock.ts';
import type { BuildBaseOptions } from './types.ts';

/** What is known of a base that need not have been assembled. */
export interface KnownBase {
  readonly index: Digest;
  /** Where it was pushed to, `repository@sha256:…`; null if it was not, or another base is there. */
  readonly published: string | null;
}

/**
 * The base of a lock by what the lock records, without assembling it; else by what it gave here before. Null if neither tells, so that only assembling does.
 * @throws ERR_BASE_DEFINITION_INVALID, ERR_BASE_LOCK_INVALID
 */
export const knownBase = async (options: BuildBaseOptions): Promise<KnownBase | null> => {
  const definition = await readDefinition(options.baseDir);
  const lock = await readLock(options.baseDir, definition);
  const index = recordedImage(lock)?.index ?? (await findKept(lock, options))?.index;
  if (index === undefined) return null;
  const { published = null } = definition;
  return { index, published: published?.endsWith(`@${index}`) === true ? published : null };
};
