import { createHash } from 'node:crypto';
import { join } from 'node:path';
import canonicalize from 'canonicalize';
import * as z from 'zod';
import { digestSchema } from '@pinlane/contracts';
import { descriptorSchema, type Layer, type Store } from '@pinlane/oci';
import { ASSEMBLY_FORMAT } from '../lock/lock.ts';
import { readRecord, writeRecord } from '../records.ts';

const layerSchema = z.strictObject({ descriptor: descriptorSchema, diffId: digestSchema });

/** The name of a layer before it is made: a hash of its inputs, by content and in their order. */
export const layerKey = (inputs: unknown): string =>
  createHash('sha256')
    .update(canonicalize({ format: ASSEMBLY_FORMAT, inputs })!)
    .digest('hex');

/** The layer that these inputs gave before, if the store still has it; else the layer that `make` makes, which is noted; null if it cannot be made. */
export const keepLayer = async (
  folder: string,
  store: Store,
  inputs: unknown,
  make: () => Promise<Layer | null>,
): Promise<(Layer & { readonly reused: boolean }) | null> => {
  const file = join(folder, `${layerKey(inputs)}.json`);
  const known = await readRecord(file, layerSchema);
  if (known !== undefined && (await store.hasBlob(known.descriptor))) return { ...known, reused: true };
  const made = await make();
  if (made === null) return null;
  await writeRecord(file, made);
  return { ...made, reused: false };
};
