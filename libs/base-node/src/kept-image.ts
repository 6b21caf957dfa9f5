import { join } from 'node:path';
import * as z from 'zod';
import { builtImageSchema, digestHex, isPinlaneError, type BuiltImage } from '@pinlane/contracts';
import type { Descriptor, Store } from '@pinlane/oci';
import { lockFingerprint, recordedImage, type BaseLock } from './lock/lock.ts';
import { readRecord, writeRecord } from './records.ts';
import { BASE_NAME, type BuildBaseOptions } from './types.ts';

const recordSchema = z.strictObject({ image: builtImageSchema });

const stillThere = async (store: Store, { index }: BuiltImage): Promise<Descriptor | null> => {
  try {
    return (await store.missing(index)).length === 0 ? (await store.readManifest(index)).descriptor : null;
  } catch (error) {
    if (isPinlaneError(error)) return null;
    throw error;
  }
};

/** Where downloads and records of the base are kept. */
export const folderOf = ({ root, folder }: BuildBaseOptions): string => folder ?? join(root, '.pinlane/cache/base');
const recordFileOf = (lock: BaseLock, options: BuildBaseOptions): string => join(folderOf(options), 'records', `${digestHex(lockFingerprint(lock))}.json`);

/** The image that this lock gave before, if the store still has all of it. */
export const findKept = async (lock: BaseLock, options: BuildBaseOptions): Promise<BuiltImage | null> => {
  const { store, noCache = false } = options;
  const known = noCache ? undefined : await readRecord(recordFileOf(lock, options), recordSchema);
  if (known === undefined) return null;
  const recorded = recordedImage(lock);
  if (recorded !== null && known.image.index !== recorded.index) return null;
  const descriptor = await stillThere(store, known.image);
  if (descriptor === null) return null;
  await store.name(BASE_NAME, descriptor);
  return known.image;
};

/** Records the image that a lock gave, for {@link findKept}. */
export const noteKept = (lock: BaseLock, image: BuiltImage, options: BuildBaseOptions): Promise<void> => writeRecord(recordFileOf(lock, options), { image });
