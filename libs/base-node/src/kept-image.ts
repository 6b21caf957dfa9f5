import { join } from 'node:path';
import * as z from 'zod';
import { builtImageSchema, digestHex, isPinlaneError, type BuiltImage } from '@pinlane/contracts';
import type { Descriptor, Store } from '@pinlane/oci';
import { baseImage } from './image/built.ts';
import { lockFingerprint, recordedImage, type BaseLock } from './lock/lock.ts';
import { readRecord, writeRecord } from './records.ts';
import type { BuildBaseOptions } from './types.ts';

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

/** The image that a lock gives, by its own record; else the one that it gave here before. */
const expected = async (lock: BaseLock, options: BuildBaseOptions): Promise<BuiltImage | undefined> => {
  const recorded = recordedImage(lock);
  if (recorded !== null) return baseImage(options.name, lockFingerprint(lock), recorded.platforms, recorded.index);
  const { image } = (await readRecord(recordFileOf(lock, options), recordSchema)) ?? {};
  // Another base with the same lock may have left it.
  return image && baseImage(options.name, image.fingerprint, image.platforms, image.index);
};

/** The image of this lock, if the store has all of it. */
export const findKept = async (lock: BaseLock, options: BuildBaseOptions): Promise<BuiltImage | null> => {
  const image = options.noCache === true ? undefined : await expected(lock, options);
  const descriptor = image === undefined ? null : await stillThere(options.store, image);
  if (image === undefined || descriptor === null) return null;
  await options.store.name(options.name, descriptor);
  return image;
};

/** Records the image that a lock gave, for {@link findKept}. */
export const noteKept = (lock: BaseLock, image: BuiltImage, options: BuildBaseOptions): Promise<void> => writeRecord(recordFileOf(lock, options), { image });
